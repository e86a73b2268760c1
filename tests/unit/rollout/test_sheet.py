"""The evaluation sheet: every run meets every initial condition, interleaved, and nobody can tell."""

import csv
from collections import Counter
from pathlib import Path

import pytest
import yaml

from fedarm.cli import main
from fedarm.experiment import parse_experiment
from fedarm.rollout.sheet import draw_trials

CONDITIONS = 6


@pytest.fixture
def trials(small_config):
    experiment = parse_experiment(small_config, source="my.yaml")
    return draw_trials(
        experiment.real_arm_runs(), ("left", "right"), initial_conditions=CONDITIONS, seed=3
    )


@pytest.fixture
def config(small_config, tmp_path):
    small_config["results_dir"] = str(tmp_path / "results")
    file = tmp_path / "my.yaml"
    file.write_text(yaml.safe_dump(small_config))
    return file


@pytest.fixture
def command(capsys):
    def run(*arguments):
        code = main(["evaluation", *map(str, arguments)])
        answer = capsys.readouterr()
        return code, answer.out + answer.err

    return run


def rows(file: Path) -> list[dict[str, str]]:
    with file.open() as text:
        return list(csv.DictReader(text))


def fill(sheet: Path, change=lambda row: row) -> None:
    """Fill a sheet in: the even trials succeed."""
    filled = [change({**row, "success": str((int(row["order"]) + 1) % 2)}) for row in rows(sheet)]
    with sheet.open("w", newline="") as text:
        writer = csv.DictWriter(text, filled[0])
        writer.writeheader()
        writer.writerows(row for row in filled if row)


def test_every_run_meets_every_initial_condition_once(trials):
    # The reference and the federated arm, with two seeds each.
    met = Counter((t.dataset, t.initial_condition, t.run.name, t.run.seed) for t in trials)
    assert set(met.values()) == {1}
    assert len(met) == 2 * CONDITIONS * 4
    assert {t.run.name for t in trials} == {"central", "fedprox"}


def test_runs_are_interleaved_in_blocks_of_one_initial_condition(trials):
    orders = set()
    for first in range(0, len(trials), 4):
        block = trials[first : first + 4]
        assert len({(t.dataset, t.initial_condition) for t in block}) == 1
        orders.add(tuple((t.run.name, t.run.seed) for t in block))
    # 12 blocks of 4 in random order: the same order everywhere would be no randomisation.
    assert len(orders) > 4
    first_task = [t.initial_condition for t in trials[: 4 * CONDITIONS : 4]]
    assert sorted(first_task) == list(range(CONDITIONS))
    assert first_task != sorted(first_task)


def test_episodes_count_on_in_each_tasks_recording(trials):
    for dataset in ("left", "right"):
        found = [t.episode for t in trials if t.dataset == dataset]
        assert found == list(range(4 * CONDITIONS))


def test_codes_are_unique_and_the_seed_decides(trials, small_config):
    assert len({t.code for t in trials}) == len(trials)
    runs = parse_experiment(small_config, source="my.yaml").real_arm_runs()
    kinds = {"initial_conditions": CONDITIONS}
    assert draw_trials(runs, ("left", "right"), **kinds, seed=3) == trials
    assert draw_trials(runs, ("left", "right"), **kinds, seed=4) != trials


def test_the_sheet_does_not_say_who_acts_and_the_key_does(config, tmp_path, command):
    sheet, key = tmp_path / "sheet.csv", tmp_path / "key.csv"
    code, said = command("sheet", "--config", config, "--output", sheet, "--key", key)
    assert code == 0
    assert "80 trials" in said
    assert set(rows(sheet)[0]) & {"arm", "seed", "checkpoint"} == set()
    assert "central" not in sheet.read_text()
    assert "fedprox" not in sheet.read_text()
    hidden = rows(key)
    assert [row["code"] for row in hidden] == sorted(row["code"] for row in hidden)
    one = next(row for row in hidden if row["arm"] == "fedprox" and row["seed"] == "1")
    assert one["checkpoint"].endswith("small/fedprox/seed1/checkpoints/round_0004/pretrained_model")


def test_a_filled_sheet_becomes_labels(config, tmp_path, command):
    sheet, key, labels = (tmp_path / name for name in ("sheet.csv", "key.csv", "labels.csv"))
    command("sheet", "--config", config, "--output", sheet, "--key", key)
    by_code = {row["code"]: row for row in rows(key)}
    fill(sheet)
    code, said = command("join", "--sheet", sheet, "--key", key, "--output", labels)
    assert (code, said) == (0, f"{labels}: 80 labels\n")
    expected = {
        (row["dataset"], row["episode"]): (by_code[row["code"]]["arm"], row["success"])
        for row in rows(sheet)
    }
    found = {(r["dataset"], r["episode"]): (r["arm"], r["success"]) for r in rows(labels)}
    assert found == expected
    assert Counter(row["success"] for row in rows(labels)) == {"1": 40, "0": 40}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"success": ""}, ["line 2", "key:    success", "value:  ''"]),
        ({"success": "perhaps"}, ["line 2", "'perhaps'", "yes"]),
        ({"code": "XXXX"}, ["line 2", "no such code"]),
        ({"initial_condition": "99"}, ["line 2", "key:    initial_condition", "'99'"]),
        ({"episode": "last"}, ["line 2", "key:    episode", "whole number"]),
    ],
)
def test_mistakes_on_the_sheet_are_named(config, tmp_path, command, change, says):
    sheet, key, labels = (tmp_path / name for name in ("sheet.csv", "key.csv", "labels.csv"))
    command("sheet", "--config", config, "--output", sheet, "--key", key)
    fill(sheet, lambda row: row | (change if row["order"] == "0" else {}))
    code, said = command("join", "--sheet", sheet, "--key", key, "--output", labels)
    assert code == 2
    for part in (*says, str(sheet), "remedy"):
        assert part in said
    assert not labels.exists()


def test_a_trial_that_was_not_made_has_no_label_and_one_made_twice_is_refused(
    config, tmp_path, command
):
    sheet, key, labels = (tmp_path / name for name in ("sheet.csv", "key.csv", "labels.csv"))
    command("sheet", "--config", config, "--output", sheet, "--key", key)
    fill(sheet)
    lines = sheet.read_text().splitlines()
    sheet.write_text("\n".join([*lines, lines[-1]]))
    code, said = command("join", "--sheet", sheet, "--key", key, "--output", labels)
    assert (code, labels.exists()) == (2, False)
    assert "stands in line 81 already" in said
    sheet.write_text("\n".join(lines[:-1]))
    assert command("join", "--sheet", sheet, "--key", key, "--output", labels)[0] == 0
    assert len(rows(labels)) == 79


def test_nothing_filled_in_is_overwritten(config, tmp_path, command):
    sheet, key = tmp_path / "sheet.csv", tmp_path / "key.csv"
    sheet.write_text("filled in by hand")
    code, said = command("sheet", "--config", config, "--output", sheet, "--key", key)
    assert code == 2
    assert "nothing is replaced" in said
    assert sheet.read_text() == "filled in by hand"
    assert not key.exists()


def test_other_arms_and_tasks_can_be_chosen(config, tmp_path, command):
    sheet, key = tmp_path / "sheet.csv", tmp_path / "key.csv"
    wanted = ("--arm", "local", "--arm", "base", "--dataset", "other", "--initial-conditions", 2)
    command("sheet", "--config", config, "--output", sheet, "--key", key, *wanted)
    names = Counter(row["arm"] for row in rows(key))
    assert names == {"base": 2, "local_left": 4, "local_right": 4}
    assert {row["dataset"] for row in rows(sheet)} == {"other"}


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        (("--arm", "fedprx"), "did you mean 'fedprox'"),
        (("--dataset", "pool"), "left, right, other"),
    ],
)
def test_unknown_arms_and_tasks_are_refused(config, tmp_path, command, wanted, says):
    sheet, key = tmp_path / "sheet.csv", tmp_path / "key.csv"
    code, said = command("sheet", "--config", config, "--output", sheet, "--key", key, *wanted)
    assert code == 2
    assert says in said
    assert not sheet.exists()
