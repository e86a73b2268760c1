"""`fedarm plan`: from assumed numbers and from a pilot, and what it refuses."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from fedarm import cli

from .report.fabrication import fabricate

CONFIG = Path(__file__).parents[2] / "config.yaml"
ASSUMED = ("--success", 0.8, "--seed-sd", 0.05, "--pair-correlation", 0.3, "--tasks", 4)


@pytest.fixture
def run(capsys):
    """Run the command in this process; return its exit code, its output and its messages."""

    def call(*arguments):
        code = cli.main(["plan", *map(str, arguments)])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Results of the default experiment with one candidate, and ten episodes; do not change them."""
    folder = tmp_path_factory.mktemp("results") / "so101_lab"
    fabricate(folder, episodes=10, videos=False)
    lines = CONFIG.read_text().splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith("  fedavgm:")]
    assert len(kept) == len(lines) - 1
    (folder / "config.yaml").write_text("".join(kept))
    return folder


@pytest.fixture
def pilot(finished, tmp_path):
    """The same under another name in another place, free to change."""
    folder = tmp_path / "elsewhere" / "moved"
    shutil.copytree(finished, folder)
    return folder


def planned(out, margin):
    """Return the entry of a margin."""
    return next(entry for entry in json.loads(out)["margins"] if entry["margin"] == margin)


def test_assumed_numbers(run):
    code, out, _ = run(*ASSUMED, "--json")
    assert code == 0
    wide, strict = planned(out, 0.2), planned(out, 0.1)
    assert (5, 10) in [(each["seeds"], each["episodes"]) for each in wide["designs"]]
    assert (9, 30) in [(each["seeds"], each["episodes"]) for each in strict["designs"]]
    assert (wide["pairs_of_one_checkpoint_each"], strict["pairs_of_one_checkpoint_each"]) == (
        70,
        267,
    )
    for entry in (*wide["designs"], *strict["designs"]):
        assert entry["power"] >= 0.8
        assert entry["training_hours"] is None
    for entry in strict["designs"]:
        assert entry["detectable_ratio"] >= 0.9


def test_the_table_has_the_numbers_and_the_hours(run):
    code, out, _ = run(
        *ASSUMED, "--margin", 0.2, "--episodes", 10, "--run-hours", 2, "--episode-seconds", 18
    )
    assert code == 0
    assert "non-inferior within 20 %" in out
    assert "10 %" not in out
    # 5 seeds of 2 h; 2 arms x 5 seeds x 4 tasks x 10 episodes of 18 s.
    assert re.search(r"^ +5 +10 +0\.90 .* 10\.00 +2\.00 *$", out, re.MULTILINE)


def test_more_power_and_a_worse_truth_take_more_seeds(run):
    def seeds(*more):
        _, out, _ = run(*ASSUMED, "--margin", 0.2, "--episodes", 20, "--json", *more)
        return planned(out, 0.2)["designs"][0]["seeds"]

    assert seeds("--power", 0.95) > seeds()
    assert seeds("--true-ratio", 0.95) > seeds()


def test_out_of_reach_is_said(run):
    code, out, _ = run(*ASSUMED, "--margin", 0.01, "--episodes", 10)
    assert code == 0
    assert "more than 64 seeds with 10 episodes a task" in out


def test_a_pilot_wherever_it_lies(run, pilot):
    code, out, err = run("--pilot", pilot, "--json")
    assert (code, err) == (0, "")
    content = json.loads(out)
    found = content["pilot"]
    assert (found["candidate"], found["reference"]) == ("fedprox", "central")
    assert (found["seeds"], found["episodes"], content["tasks"]) == (3, 10, 4)
    # The tasks' mean success of the fabricated central arm is 0.82.
    assert content["success"] == pytest.approx(0.82, abs=0.08)
    # 15 rounds of 3 to 4 s, of two arms.
    assert content["run_hours"] == pytest.approx(2 * 15 * 3.5 / 3600, rel=0.1)
    for margin in content["margins"]:
        for design in margin["designs"]:
            assert design["training_hours"] == pytest.approx(design["seeds"] * content["run_hours"])


def test_a_pilot_in_words(run, pilot):
    code, out, _ = run("--pilot", pilot)
    assert code == 0
    assert "pilot: fedprox against central, 3 seeds × 10 episodes a task, shows" in out
    assert "give --run-hours (or a pilot) and --episode-seconds" in out


def test_rollouts_that_a_pilot_cannot_use_are_listed(run, pilot):
    file = pilot / "fedprox/seed0/rollouts/sorting/episodes.parquet"
    rows = pd.read_parquet(file)
    rows[~(rows["final"] & (rows["episode"] > 7))].to_parquet(file)
    _, out, _ = run("--pilot", pilot)
    assert "3 seeds × 8 episodes a task" in out
    assert "of sorting: the initial condition was not met by every seed of each arm" in out


def test_a_pilot_whose_reference_always_succeeds_is_refused_by_name(run, pilot):
    for file in (pilot / "central").glob("seed*/rollouts/*/episodes.parquet"):
        pd.read_parquet(file).assign(success=True).to_parquet(file)
    code, _, err = run("--pilot", pilot)
    assert code != 0
    assert "succeeds always or never" in err
    assert str(pilot) in err


def test_a_missing_file_of_a_pilot_is_named(run, pilot):
    (pilot / "central/seed1/rollouts/stacking/episodes.parquet").unlink()
    code, _, err = run("--pilot", pilot)
    assert code == 2
    assert "central/seed1/rollouts/stacking/episodes.parquet" in err
    assert "remedy" in err


def edit(pilot, old, new):
    file = pilot / "config.yaml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_several_candidates_need_a_choice(run, pilot):
    arm = "  fedavg: {kind: federated, strategy: fedavg}\n"
    edit(pilot, "  central: {kind: central}\n", "  central: {kind: central}\n" + arm)
    code, _, err = run("--pilot", pilot)
    assert code == 2
    assert "known: fedavg, fedprox; choose with --candidate" in err
    assert run("--pilot", pilot, "--candidate", "fedprox")[0] == 0
    code, _, err = run("--pilot", pilot, "--candidate", "fedpox")
    assert code == 2
    assert "did you mean 'fedprox'?" in err


def test_one_seed_is_no_pilot(run, pilot):
    edit(pilot, "seeds: [0, 1, 2]", "seeds: [0]")
    code, _, err = run("--pilot", pilot)
    assert code == 2
    assert "at least two seeds" in err


def test_a_replay_is_no_pilot(run, pilot):
    edit(pilot, "\nrollout:", "\nevaluation: {kind: replay}\n\nrollout:")
    code, _, err = run("--pilot", pilot)
    assert code == 2
    assert "no success was counted" in err


def test_outcomes_all_the_same_are_no_pilot(run, pilot):
    for file in pilot.glob("*/seed*/rollouts/*/episodes.parquet"):
        pd.read_parquet(file).assign(success=True).to_parquet(file)
    code, _, err = run("--pilot", pilot)
    assert code == 2
    assert "nothing can be projected" in err


def test_a_folder_without_results_is_refused(run, tmp_path):
    code, _, err = run("--pilot", tmp_path)
    assert code == 2
    assert "config.yaml" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "--success, --seed-sd, --pair-correlation, --tasks"),
        (("--success", 0.8, "--tasks", 4), "--seed-sd, --pair-correlation"),
        (("--pilot", "somewhere", "--success", 0.8), "not on both"),
        ((*ASSUMED, "--candidate", "fedprox"), "only a pilot has a candidate"),
        ((*ASSUMED, "--success", 1.2), "success"),
        ((*ASSUMED, "--success", "nan"), "success"),
        ((*ASSUMED, "--tasks", 0), "tasks"),
        ((*ASSUMED, "--seed-sd", 0.4), "take at most 0.335"),
        ((*ASSUMED, "--true-ratio", 0.85), "take a margin above 0.15"),
        ((*ASSUMED, "--true-ratio", 1.25), "ratio"),
        ((*ASSUMED, "--power", 0.01), "power"),
    ],
)
def test_what_cannot_be_planned_is_refused(run, arguments, message):
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert message in err


@pytest.mark.parametrize(
    "arguments",
    [
        ("--margin", 10),
        ("--margin", "nan"),
        ("--episodes", 1),
        ("--run-hours", 0),
        ("--power", "x"),
    ],
)
def test_arguments_out_of_range_are_named(run, capsys, arguments):
    with pytest.raises(SystemExit) as stopped:
        run(*ASSUMED, *arguments)
    assert stopped.value.code == 2
    assert arguments[0] in capsys.readouterr().err


def test_torch_is_not_imported():
    code = (
        "import sys; from fedarm import cli; cli.main(sys.argv[1:]); "
        "print(sorted({'torch', 'lerobot', 'mujoco'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code, "plan", *map(str, ASSUMED)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
