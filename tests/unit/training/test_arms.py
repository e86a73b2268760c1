import multiprocessing
import os
import shutil
import signal
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fedarm.config_training import CheckpointBase, RandomBase
from fedarm.errors import CheckpointError, DataError, ResultsError
from fedarm.experiment import Experiment, parse_experiment
from fedarm.locks import only_writer
from fedarm.paths import read_json
from fedarm.policies.checkpoint import digest_checkpoint, load_pretrained
from fedarm.provenance import digest_folder
from fedarm.settings import TrainSettings
from fedarm.training import arms, pooled, store
from fedarm.training.arms import train_base, train_pooled
from fedarm.training.loop import LocalTrainer
from fedarm.training.rows import load_train_rows

from ..conftest import SMALL
from .synthetic import TINY_POLICY, moved, settings_of, write_cache


def _sparse(settings: TrainSettings) -> TrainSettings:
    """Keep the checkpoints of rounds 3 and 4 only."""
    return replace(settings, training=settings.training.model_copy(update={"keep_every": 3}))


@pytest.fixture
def central(experiment: Experiment, tmp_path: Path) -> TrainSettings:
    return _sparse(moved(settings_of(experiment, "central", 0), tmp_path))


@pytest.fixture(scope="module")
def unbroken(experiment: Experiment, tmp_path_factory: pytest.TempPathFactory) -> TrainSettings:
    """A central run that was trained to its end in one go."""
    settings = moved(settings_of(experiment, "central", 0), tmp_path_factory.mktemp("unbroken"))
    settings = _sparse(settings)
    train_pooled(settings)
    return settings


def _last_model(settings: TrainSettings) -> Path:
    return settings.checkpoints / f"round_{settings.rounds:04d}" / "pretrained_model"


def _bytes(settings: TrainSettings) -> dict[str, Any]:
    """All that a run wrote, but for its timings."""
    metrics = read_json(settings.metrics)
    for line in metrics["rounds"]:
        line.pop("seconds")
    files = digest_folder(settings.checkpoints, exclude=["metrics.jsonl"])
    return {"metrics": metrics, "files": files}


def test_a_central_run_writes_its_checkpoints_and_metrics(unbroken):
    rounds = sorted(path.name for path in unbroken.checkpoints.glob("round_*"))
    assert rounds == ["round_0003", "round_0004"]
    metrics = read_json(unbroken.metrics)
    digest = digest_checkpoint(_last_model(unbroken))
    assert metrics["checkpoint"] == {"round": 4, "sha256": digest}
    assert metrics["samples"] == unbroken.training.samples
    assert [line["round"] for line in metrics["rounds"]] == [0, 1, 2, 3, 4]
    assert metrics["rounds"][0]["clients"] == {}
    assert all(set(line["clients"]) == {"left+right"} for line in metrics["rounds"][1:])
    for line in metrics["rounds"]:
        assert set(line["held_out_loss"]) == {"left", "right", "other"}


def test_the_loss_falls_from_round_to_round(central):
    # Long enough to show it: 64 steps.
    training = central.training.model_copy(update={"samples": 4 * central.training.samples})
    settings = replace(central, training=training)
    train_pooled(settings)
    lines = read_json(settings.metrics)["rounds"][1:]
    losses = [line["clients"]["left+right"]["policy_loss"] for line in lines]
    assert losses[-1] < 0.9 * losses[0]


def test_two_runs_have_the_same_bytes(unbroken, central):
    train_pooled(central)
    assert _bytes(central) == _bytes(unbroken)


def test_another_seed_gives_other_weights(unbroken, experiment, tmp_path: Path):
    other = moved(settings_of(experiment, "central", 1), tmp_path)
    train_pooled(other)
    assert digest_checkpoint(_last_model(other)) != digest_checkpoint(_last_model(unbroken))


def test_rounds_only_cut_the_training_and_do_not_change_it(unbroken, central):
    uncut = replace(central, rounds=1)
    train_pooled(uncut)
    assert digest_checkpoint(_last_model(uncut)) == digest_checkpoint(_last_model(unbroken))


@pytest.fixture(scope="module")
def local(experiment: Experiment, tmp_path_factory: pytest.TempPathFactory) -> TrainSettings:
    """A finished local run."""
    settings = moved(settings_of(experiment, "local_left", 0), tmp_path_factory.mktemp("local"))
    train_pooled(settings)
    return settings


@pytest.mark.parametrize("run", ["unbroken", "local"])
def test_normalisation_comes_from_the_runs_own_clients(run, request: pytest.FixtureRequest):
    settings = request.getfixturevalue(run)
    saved = load_pretrained(_last_model(settings), expected=None).statistics
    sums = load_train_rows(settings.sources, settings.policy.chunk_size).sums()
    for feature, moments in sums.statistics().items():
        for name, values in moments.items():
            np.testing.assert_allclose(saved[feature][name], values, rtol=1e-6)


def test_a_local_run_has_its_share_and_sees_only_its_own_client(local):
    metrics = read_json(local.metrics)
    assert metrics["samples_per_client"] == {"left": local.training.samples // 2}
    assert set(metrics["rounds"][-1]["held_out_loss"]) == {"left", "other"}


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _in_round(round_number: int, original: Callable, *, after: bool) -> Callable:
    """Wrap a function so that its call number `round_number` kills the process."""
    calls = 0

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == round_number and not after:
            _kill()
        result = original(*args, **kwargs)
        if calls == round_number:
            _kill()
        return result

    return wrapped


KILLS = {
    "in the first round": (LocalTrainer, "_step", 3, False),
    "in the middle of a round": (LocalTrainer, "_step", 10, True),
    "before the weights are saved": (store, "save_pretrained", 2, False),
    "after the weights are saved": (store, "save_pretrained", 2, True),
    "while the state is saved": (store, "save_file", 2, False),
    "before a finished round is tidied up": (store.RoundStore, "_forget_older", 3, False),
    "in the last round's evaluation": (pooled, "held_out_losses", 5, False),
    "after the last round": (store.RoundStore, "_forget_older", 5, True),
}


def _train_and_die(settings: TrainSettings, kill: tuple[Any, str, int, bool]) -> None:
    owner, name, call, after = kill
    setattr(owner, name, _in_round(call, getattr(owner, name), after=after))
    train_pooled(settings)


# A forked child has everything imported already; it computes in one thread and dies soon.
forks = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")


@forks
@pytest.mark.parametrize("when", KILLS)
def test_killed_at_any_time_it_ends_with_the_bytes_of_an_unbroken_run(central, unbroken, when):
    process = multiprocessing.get_context("fork").Process(
        target=_train_and_die, args=(central, KILLS[when])
    )
    process.start()
    process.join(timeout=60)
    assert process.exitcode == -signal.SIGKILL
    assert not central.metrics.exists()
    train_pooled(central)
    assert _bytes(central) == _bytes(unbroken)


def test_a_finished_run_is_not_trained_again(unbroken, monkeypatch: pytest.MonkeyPatch):
    before = _bytes(unbroken)
    unbroken.metrics.unlink()

    def fail(*args: object) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr(LocalTrainer, "run", fail)
    train_pooled(unbroken)
    assert _bytes(unbroken) == before


def test_the_base_is_round_0_and_leaves_nothing_else(experiment):
    base = settings_of(experiment, "base", 0)
    metrics = read_json(base.metrics)
    assert metrics["samples_per_client"] == {"pool": 64}
    assert metrics["rounds"] == []
    assert metrics["checkpoint"]["round"] == 0
    assert {path.name for path in base.checkpoints.iterdir()} == {
        "store.json",
        "metrics.jsonl",
        "round_0000",
    }


def test_the_base_has_learnt_from_the_pool(experiment, tmp_path: Path):
    base = settings_of(experiment, "base", 0)
    untrained = moved(replace(base, base=RandomBase(kind="none"), sources=()), tmp_path)
    train_base(untrained)
    assert read_json(untrained.metrics)["samples"] == 0
    weights = [
        load_pretrained(settings.checkpoints / "round_0000" / "pretrained_model", expected=None)
        for settings in (base, untrained)
    ]
    names = dict(weights[0].policy.named_parameters())
    differing = [
        name for name, value in weights[1].policy.named_parameters() if not value.equal(names[name])
    ]
    assert len(differing) > 0.9 * len(names)
    # Random weights have seen no data: nothing to normalise with.
    assert (weights[1].statistics["action"]["std"] == 1).all()


@forks
@pytest.mark.parametrize("call", [2, 5])
def test_a_killed_base_ends_with_the_bytes_of_an_unbroken_one(experiment, tmp_path: Path, call):
    settings = moved(settings_of(experiment, "base", 0), tmp_path)
    process = multiprocessing.get_context("fork").Process(
        target=_pretrain_and_die, args=(settings, call)
    )
    process.start()
    process.join(timeout=60)
    assert process.exitcode == -signal.SIGKILL
    assert any(settings.checkpoints.rglob("round_*"))
    train_base(settings)
    assert _bytes(settings) == _bytes(settings_of(experiment, "base", 0))


def _pretrain_and_die(settings: TrainSettings, call: int) -> None:
    store.save_pretrained = _in_round(call, store.save_pretrained, after=True)
    train_base(settings)


def _based_on_a_copy(experiment, folder: Path) -> tuple[Path, TrainSettings]:
    """Return a copy of the base's checkpoint, and settings of a base that is that copy."""
    settings = settings_of(experiment, "base", 0)
    given = folder / "given"
    shutil.copytree(settings.checkpoints / "round_0000" / "pretrained_model", given)
    base = CheckpointBase(kind="checkpoint", path=str(given))
    return given, moved(replace(settings, base=base, sources=()), folder)


def test_a_given_checkpoint_becomes_the_base(experiment, tmp_path: Path):
    given, from_checkpoint = _based_on_a_copy(experiment, tmp_path)
    train_base(from_checkpoint)
    saved = from_checkpoint.checkpoints / "round_0000" / "pretrained_model"
    assert digest_checkpoint(saved) == digest_checkpoint(given)
    metrics = read_json(from_checkpoint.metrics)
    assert (metrics["samples"], metrics["statistics_source"]) == (0, {"checkpoint": str(given)})


def test_a_given_checkpoint_that_was_trained_again_becomes_the_base_anew(
    experiment, tmp_path: Path
):
    given, from_checkpoint = _based_on_a_copy(experiment, tmp_path)
    train_base(from_checkpoint)
    before = digest_checkpoint(given)
    weights = given / "model.safetensors"
    # Another sign of the last number.
    changed = bytearray(weights.read_bytes())
    changed[-1] ^= 0x80
    weights.write_bytes(changed)
    train_base(from_checkpoint)
    saved = from_checkpoint.checkpoints / "round_0000" / "pretrained_model"
    assert digest_checkpoint(saved) == digest_checkpoint(given) != before


def _recorded(root: Path, cameras: dict[str, str]) -> Experiment:
    """Return an experiment on recordings of the hub, each with a camera of its own choice."""
    recording = {"source": "hub", "revision": "a" * 40, "held_out": 1}
    raw = {
        **SMALL,
        "datasets": {client: {**recording, "repo_id": f"owner/{client}"} for client in cameras},
        "clients": list(cameras),
        "unseen": [],
        "base": {"kind": "none"},
        "policy": TINY_POLICY,
        "results_dir": str(root),
    }
    experiment = parse_experiment(raw, source="test")
    for client, camera in cameras.items():
        write_cache(experiment.frame_cache(client), camera=camera)
    return experiment


def test_the_base_sees_what_the_clients_recorded(tmp_path: Path):
    camera = "observation.images.wrist"
    experiment = _recorded(tmp_path, {"left": camera, "right": camera})
    base = settings_of(experiment, "base", 0)
    train_base(base)
    saved = load_pretrained(base.checkpoints / "round_0000" / "pretrained_model", expected=None)
    assert list(saved.policy.config.image_features) == [camera]
    assert camera in saved.statistics
    central = settings_of(experiment, "central", 0)
    train_pooled(central)
    assert read_json(central.metrics)["samples"] == central.training.samples


def test_no_base_is_made_for_recordings_that_differ(tmp_path: Path):
    cameras = {"left": "observation.images.wrist", "right": "observation.images.top"}
    base = settings_of(_recorded(tmp_path, cameras), "base", 0)
    with pytest.raises(DataError, match=r"differ(.|\n)*cameras(.|\n)*images\.top"):
        train_base(base)
    assert not base.metrics.exists()


def test_a_checkpoint_of_another_architecture_leaves_nothing(experiment, tmp_path: Path):
    settings = settings_of(experiment, "base", 0)
    given = settings.checkpoints / "round_0000" / "pretrained_model"
    base = CheckpointBase(kind="checkpoint", path=str(given))
    policy = settings.policy.model_copy(update={"dim_model": 32})
    other = moved(replace(settings, base=base, sources=(), policy=policy), tmp_path)
    with pytest.raises(CheckpointError, match="another architecture"):
        train_base(other)
    assert not other.metrics.exists()
    assert not list(other.checkpoints.glob("round_*"))


def test_a_run_without_a_base_is_an_error(central):
    with pytest.raises(CheckpointError, match="starts from the base"):
        train_pooled(replace(central, start=None))
    missing = replace(central, start=central.checkpoints / "nowhere")
    with pytest.raises(CheckpointError, match="file is missing"):
        train_pooled(missing)


@pytest.mark.parametrize("train", [train_base, train_pooled])
def test_a_run_that_is_written_already_is_refused(central, monkeypatch, train):
    monkeypatch.setattr(arms, "only_writer", partial(only_writer, timeout_s=0))
    with (
        only_writer(central.checkpoints.parent),
        pytest.raises(ResultsError, match="another process writes these results"),
    ):
        train(central)
