import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from fedarm.config_training import CheckpointBase
from fedarm.errors import CheckpointError, DataError, ResultsError
from fedarm.policies.checkpoint import digest_checkpoint
from fedarm.training.store import RoundStore, run_fingerprint

STATE = {"momentum": np.arange(6, dtype=np.float32).reshape(2, 3)}


@pytest.fixture
def settings(central):
    training = central.training.model_copy(update={"keep_every": 2})
    return replace(central, training=training, rounds=5)


@pytest.fixture
def saved(settings, start_policy, rows):
    """A store whose rounds 0 (a line only) to 3 are done."""
    store = RoundStore.open(settings, "fingerprint")
    store.log({"round": 0})
    for number in (1, 2, 3):
        _save(store, number, start_policy, rows)
    return store


def _save(store, number, policy, rows):
    line = {"round": number, "loss": 1.0 / number}
    store.save(number, policy, rows.sums().statistics(), STATE, line)


def _files(settings) -> set[str]:
    folder = settings.checkpoints
    return {path.relative_to(folder).as_posix() for path in folder.glob("round_*/*")}


def test_a_new_store_has_no_round(settings):
    store = RoundStore.open(settings, "fingerprint")
    assert store.last_round == 0
    assert not store.has(0)
    assert store.rows() == []


def test_only_kept_rounds_and_the_newest_stay_and_only_the_newest_has_state(saved, settings):
    assert saved.last_round == 3
    assert _files(settings) == {
        "round_0002/pretrained_model",
        "round_0003/pretrained_model",
        "round_0003/state.safetensors",
    }
    assert [line["round"] for line in saved.rows()] == [0, 1, 2, 3]


def test_the_last_round_needs_no_state(saved, settings, start_policy, rows):
    _save(saved, 4, start_policy, rows)
    _save(saved, 5, start_policy, rows)
    assert _files(settings) == {f"round_000{n}/pretrained_model" for n in (2, 4, 5)}


def test_it_is_opened_where_it_was_left(saved, settings, start_policy):
    store = RoundStore.open(settings, "fingerprint")
    loaded, state = store.load()
    assert store.last_round == 3
    np.testing.assert_array_equal(state["momentum"], STATE["momentum"])
    assert all(
        value.equal(start_policy.state_dict()[name])
        for name, value in loaded.policy.state_dict().items()
    )
    assert store.rows() == saved.rows()


def test_another_fingerprint_begins_anew(saved, settings):
    store = RoundStore.open(settings, "another")
    assert store.last_round == 0
    assert store.rows() == []
    assert _files(settings) == set()
    assert RoundStore.open(settings, "another").last_round == 0


def test_what_a_kill_leaves_is_removed(saved, settings):
    folder = settings.checkpoints
    expected = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    # Killed while round 4 was written: its line stands, the next one is cut short.
    with (folder / "metrics.jsonl").open("a") as file:
        file.write('{"round":4,"loss":0.25}\n{"round":5,"lo')
    (folder / ".round_0004.x7").mkdir()
    (folder / ".round_0004.x7" / "model.safetensors").write_bytes(b"half")
    (folder / ".metrics.jsonl.12.tmp").write_bytes(b"half")
    # Killed while it forgot what round 2 no longer needs, and while it removed round 1.
    (folder / "round_0002" / "state.safetensors").write_bytes(b"old")
    (folder / "round_0001" / "pretrained_model").mkdir(parents=True)
    store = RoundStore.open(settings, "fingerprint")
    assert store.last_round == 3
    left = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert left == expected
    assert not (folder / "round_0001").exists()


def test_killed_before_the_first_round_it_begins_anew(settings):
    store = RoundStore.open(settings, "fingerprint")
    store.log({"round": 0})
    store.log({"round": 1})
    assert RoundStore.open(settings, "fingerprint").rows() == []


def test_killed_while_it_was_wiped_it_begins_anew(saved, settings):
    (settings.checkpoints / "store.json").unlink()
    assert RoundStore.open(settings, "fingerprint").last_round == 0


def test_metrics_that_lost_a_line_are_an_error(saved, settings):
    file = settings.checkpoints / "metrics.jsonl"
    lines = file.read_text().splitlines()
    file.write_text("\n".join(lines[:2] + lines[3:]) + "\n")
    with pytest.raises(ResultsError, match="one line for each round") as error:
        RoundStore.open(settings, "fingerprint")
    assert str(file) in str(error.value)


def test_a_broken_state_is_named(saved, settings):
    file = settings.checkpoints / "round_0003" / "state.safetensors"
    file.write_bytes(file.read_bytes()[:-4])
    with pytest.raises(CheckpointError, match="broken") as error:
        saved.load()
    assert str(file) in str(error.value)


def test_lines_are_one_json_object_each(saved, settings):
    text = (settings.checkpoints / "metrics.jsonl").read_text()
    assert [json.loads(line)["round"] for line in text.splitlines()] == [0, 1, 2, 3]


def test_the_fingerprint_follows_settings_data_start_and_code(central, tmp_path):
    code = tmp_path / "train.py"
    code.write_text("rate = 1\n")
    prints = [run_fingerprint(central, code)]
    code.write_text("rate = 1  # a comment\n")
    assert run_fingerprint(central, code) == prints[0]
    code.write_text("rate = 2\n")
    prints.append(run_fingerprint(central, code))
    longer = central.training.model_copy(update={"samples": 512})
    prints.append(run_fingerprint(replace(central, training=longer), code))
    cache = central.sources[0].cache
    copied = tmp_path / "cache"
    copied.mkdir()
    manifest = (cache / "manifest.json").read_text()
    (copied / "manifest.json").write_text(manifest + "\n")
    source = replace(central.sources[0], cache=copied)
    prints.append(run_fingerprint(replace(central, sources=(source, *central.sources[1:])), code))
    other_start = tmp_path / "start"
    other_start.mkdir()
    for file in central.start.iterdir():
        (other_start / file.name).write_bytes(file.read_bytes())
    assert run_fingerprint(replace(central, start=other_start), code) == prints[1]
    (other_start / "config.json").write_text("{}")
    prints.append(run_fingerprint(replace(central, start=other_start), code))
    assert len(set(prints)) == len(prints)
    assert digest_checkpoint(central.start) != digest_checkpoint(other_start)


def test_the_fingerprint_of_a_given_base_follows_its_files(central, tmp_path):
    given = tmp_path / "given"
    shutil.copytree(central.start, given)
    base = CheckpointBase(kind="checkpoint", path=str(given))
    settings = replace(central, base=base, start=None)
    code = tmp_path / "train.py"
    code.write_text("rate = 1\n")
    before = run_fingerprint(settings, code)
    weights = given / "model.safetensors"
    changed = bytearray(weights.read_bytes())
    changed[-1] ^= 1
    weights.write_bytes(changed)
    assert run_fingerprint(settings, code) != before
    weights.unlink()
    with pytest.raises(CheckpointError, match="file is missing"):
        run_fingerprint(settings, code)


def test_a_missing_cache_is_named(central, tmp_path):
    source = replace(central.sources[0], cache=tmp_path / "nowhere")
    with pytest.raises(DataError, match="frame cache is missing") as error:
        run_fingerprint(replace(central, sources=(source,)), tmp_path / "train.py")
    assert "datasets.left" in str(error.value)
