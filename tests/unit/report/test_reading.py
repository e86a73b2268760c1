"""Results that are missing, broken or contradictory are named, never dropped."""

import json
from dataclasses import replace

import pandas as pd
import pytest

from fedarm.errors import ResultsError
from fedarm.report.arm_pairs import compare_arms
from fedarm.report.experiment import read_results
from fedarm.report.results import build_results
from fedarm.report.verdicts import decide_all


def run_of(settings, name, seed=0):
    return next(run for run in settings.runs if (run.name, run.seed) == (name, seed))


def bend(settings, name, change, *, dataset="sorting", seed=0):
    """Change a table of rollouts and write it back."""
    file = run_of(settings, name, seed).files.episodes(dataset)
    change(pd.read_parquet(file)).to_parquet(file)
    return file


def bend_json(file, change):
    value = json.loads(file.read_text())
    change(value)
    file.write_text(json.dumps(value))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: pd.concat([t, t.tail(1)]), "stands twice in round 15"),
        (lambda t: t.drop(columns="success"), "columns are missing"),
        (lambda t: t.assign(success=t["success"].astype(float) / 2), "true or false"),
        (lambda t: t.assign(steps=t["steps"].where(t["episode"] > 0)), "a value is missing"),
        (lambda t: t[~t["final"]], "but 0 are marked so"),
        (lambda t: t.assign(final=True), "but 3 are marked so"),
        (lambda t: t.head(0), "there are no episodes"),
        (lambda t: t.assign(seed=7), "not what this folder stands for"),
        (lambda t: t.assign(dataset="pickplace"), "not what this folder stands for"),
        (lambda t: t.assign(unseen=True), "not what this folder stands for"),
        (lambda t: t.assign(variant="new_look"), "several values of variant"),
        (
            lambda t: t.assign(initial_conditions="another-v2"),
            "several values of initial_conditions",
        ),
        (lambda t: t.assign(round=t["round"].where(~t["final"], 14)), "the final checkpoint is of"),
    ],
)
def test_broken_rollouts_are_named(small, change, message):
    bend(small, "central", change)
    with pytest.raises(ResultsError, match=message):
        read_results(small)


def test_missing_and_truncated_rollouts_are_named(small):
    file = run_of(small, "fedprox", 1).files.episodes("sorting")
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(ResultsError, match="not a readable parquet file") as caught:
        read_results(small)
    assert str(file) in str(caught.value)
    file.unlink()
    with pytest.raises(ResultsError, match="rollouts are missing"):
        read_results(small)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m.update(schema_version=2), "schema_version"),
        (lambda m: m.pop("samples"), "samples"),
        (lambda m: m.update(arm="fedprox"), "of another run"),
        (lambda m: m["rounds"].append(m["rounds"][-1]), "repeated or out of order"),
        (lambda m: m["rounds"][3]["held_out_loss"].update(sorting=float("nan")), "held_out_loss"),
    ],
)
def test_broken_metrics_are_named(small, change, message):
    bend_json(run_of(small, "central").files.metrics, change)
    with pytest.raises(ResultsError, match=message):
        read_results(small)


def test_broken_video_analysis_is_named(small):
    file = run_of(small, "central").files.video_analysis
    bend_json(file, lambda analysis: analysis.update(videos=[{"file": 3}]))
    with pytest.raises(ResultsError, match="documented schema"):
        read_results(small)


def test_damaged_videos_are_listed(small):
    video = {
        "file": "sorting/videos/a.mp4",
        "dataset": "sorting",
        "decodable": False,
        "reason": "cut short",
    }
    bend_json(
        run_of(small, "central").files.video_analysis,
        lambda analysis: analysis["videos"].append(video),
    )
    results = read_results(small)
    found = build_results(results, decide_all(results), None)
    assert {
        "about": "central/seed0",
        "code": "video",
        "text": "sorting/videos/a.mp4: cut short",
    } in found["warnings"]
    account = next(entry for entry in found["videos"] if entry["name"] == "central")
    assert (account["videos"], account["undecodable"]) == (1, 1)


def test_unmet_initial_conditions_are_left_out_of_both_arms_and_listed(small):
    bend(small, "fedprox", lambda t: t[~(t["final"] & (t["episode"] >= 9))])
    results = read_results(small)
    decisions = decide_all(results)
    found = build_results(results, decisions, compare_arms(results))
    verdict = found["verdicts"][0]
    assert verdict["episodes_per_cell"] == 9
    # Of sorting, 3 initial conditions of the other three runs; of pickplace, 3 of all four.
    of_verdict = [e for e in found["exclusions"] if e["comparison"] == "fedprox against central"]
    assert [(e["dataset"], e["episodes"]) for e in of_verdict] == [
        ("sorting", 9),
        ("pickplace", 12),
    ]
    # Every run of another arm leaves out as many.
    runs = len(results.settings.runs)
    of_pairs = [e for e in found["exclusions"] if e["comparison"] == "all pairs of arms"]
    assert [(e["dataset"], e["episodes"]) for e in of_pairs] == [
        ("sorting", 3 * (runs - 1)),
        ("pickplace", 3 * runs),
    ]
    assert "not met by every seed" in found["exclusions"][0]["reason"]
    # Success by task still counts every episode.
    assert found["arms"]["central"]["tasks"]["sorting"]["episodes"] == 24


def test_arms_that_never_met_are_an_error(small):
    bend(
        small,
        "fedprox",
        lambda t: t.assign(initial_condition_seed=t["initial_condition_seed"] + 1),
        seed=1,
    )
    results = read_results(small)
    with pytest.raises(ResultsError, match="no initial condition was met by every seed of each"):
        decide_all(results)


def test_tasks_that_were_not_tried_are_listed(small):
    results = read_results(replace(small, untried=("sorting",)))
    warnings = build_results(results, decide_all(results), None)["warnings"]
    assert [w["about"] for w in warnings if w["code"] == "not_tried"] == ["sorting"]


def test_unequal_budgets_are_listed(small):
    bend_json(run_of(small, "fedprox", 1).files.metrics, lambda m: m.update(samples=47_000))
    results = read_results(small)
    warnings = build_results(results, decide_all(results), None)["warnings"]
    assert [w["about"] for w in warnings if w["code"] == "unequal_budget"] == ["fedprox/seed1"]
