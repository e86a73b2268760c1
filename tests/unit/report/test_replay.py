"""Predictions on held-out episodes: shown, alone or beside successes, and never decisive."""

import json
import re
from dataclasses import replace

import pytest

from fedarm.errors import ResultsError
from fedarm.report.build import write_comparison
from fedarm.report.experiment import read_results
from fedarm.report.figures.replay import draw_replay_error
from fedarm.report.figures.style import to_svg
from fedarm.report.replay import NO_SUCCESSES, in_words, replay_error
from fedarm.report.replay_page import replay_rows
from fedarm.report.tables import build_tables
from fedarm.report.verdicts import decide_all

from .fabrication import clip, write

# In the order of the arm, which is not that of the alphabet.
JOINTS = {"shoulder_pan": "degrees", "gripper": "percent open"}


def fabricate_replays(settings, *, datasets=None):
    """Write summaries beside the results of an experiment; the errors follow from run and dataset."""
    datasets = settings.datasets if datasets is None else datasets
    for index, run in enumerate(settings.runs):
        for number, dataset in enumerate(datasets):
            error = 1.0 + index + 10 * number
            write(run.files.replay_summary(dataset), summary(run, dataset, error))
            film = run.files.replay_summary(dataset).parent / "videos/episode_000.mp4"
            film.parent.mkdir()
            film.write_bytes(clip(success=True))
    return replace(settings, replayed=datasets, replayed_runs=settings.runs)


def summary(run, dataset, error):
    return {
        "schema_version": 1,
        "arm": run.arm,
        "run": run.name,
        "seed": run.seed,
        "round": 15,
        "dataset": dataset,
        "unseen": dataset == "pickplace_new_look",
        "looks": 20,
        "actions": 300,
        "policy_loss": error / 10,
        "joints": list(JOINTS),
        "units": JOINTS,
        "error": {joint: {"mean": error, "p95": 3 * error} for joint in JOINTS},
        "error_executed": {joint: {"mean": error / 2, "p95": error} for joint in JOINTS},
        "error_by_step": {
            "actions": [20, 18],
            "mean": {joint: [error / 2, error] for joint in JOINTS},
            "p95": {joint: [error, 2 * error] for joint in JOINTS},
        },
        "hold_still": dict.fromkeys(JOINTS, 7.0),
        "videos": [{"file": "videos/episode_000.mp4", "episode": 0}],
    }


@pytest.fixture
def replayed(small):
    """An experiment of which nothing was tried; its rollouts are not there."""
    settings = replace(fabricate_replays(small), evaluation="replay")
    for run in settings.runs:
        for dataset in settings.datasets:
            run.files.episodes(dataset).unlink()
        run.files.video_analysis.unlink()
    return settings


def test_without_successes_there_is_no_verdict_and_the_report_says_so(replayed, tmp_path):
    out = tmp_path / "comparison"
    write_comparison(replayed, out)
    results = json.loads((out / "results.json").read_text())
    assert results["evaluation"] == "replay"
    assert results["verdicts"] == results["decisions"] == results["loss_and_success"] == []
    assert {arm["clients"] for arm in results["arms"].values()} == {None}
    assert len(results["replay"]) == len(replayed.runs) * len(replayed.datasets)
    page = (out / "report.html").read_text()
    assert "No verdict" in page
    assert NO_SUCCESSES in page
    assert "Wilson" not in page
    assert "inferior" not in page
    assert len(re.findall(r'data-clip="\d', page)) == 2 * len(replayed.datasets)
    text = (out / "verdict.txt").read_text()
    assert text.startswith("There is no verdict")
    assert "decide nothing" in text
    assert {path.stem for path in (out / "figures").iterdir()} == {"replay_error", "replay_horizon"}
    tables = {path.stem for path in (out / "tables").iterdir()}
    assert {"replay_error", "replay_by_step", "replay_losses", "loss_by_round"} <= tables
    assert not {"intervals", "success_by_task", "video_analysis"} & tables


def test_errors_are_means_over_seeds(replayed):
    results = read_results(replayed)
    (first, *_) = replay_rows(results)
    names = [run.name for run in replayed.runs]
    for row in first.rows:
        errors = [1.0 + k for k, name in enumerate(names) if name == row["name"]]
        mean = sum(errors) / len(errors)
        assert row["errors"][0] == pytest.approx((mean, 3 * mean))
        assert row["loss"] == pytest.approx(mean / 10)
    assert first.joints == tuple(JOINTS.items())
    assert first.hold_still == (7.0, 7.0)


def test_words_keep_units_apart(replayed):
    line = in_words(read_results(replayed).replays).splitlines()[1]
    name, dataset = replayed.runs[0].name, replayed.datasets[0]
    assert line == (
        f"  {name} on {dataset}: mean absolute error 1 degrees, 1 percent open; policy loss 0.1"
    )


def test_beside_successes_it_changes_no_decision(small, tmp_path):
    alone = decide_all(read_results(small))
    settings = replace(fabricate_replays(small), evaluation="recorded")
    assert decide_all(read_results(settings)) == alone
    write_comparison(settings, tmp_path / "comparison")
    results = json.loads((tmp_path / "comparison/results.json").read_text())
    assert len(results["verdicts"]) == sum(len(decision.by_margin) for decision in alone)
    assert results["replay"]
    page = (tmp_path / "comparison/report.html").read_text()
    assert "a person saw on a real arm" in page
    assert 'id="replay_error"' in page
    assert 'id="success_by_task"' in page


def test_a_real_arm_may_have_tried_fewer_runs_than_were_replayed(small):
    settings = replace(fabricate_replays(small), evaluation="recorded")
    tried = tuple(run for run in settings.runs if run.kind in {"central", "federated"})
    some = replace(settings, runs=tried, clients=settings.clients[:1], unseen=())
    results = read_results(some)
    assert "<svg" in to_svg(draw_replay_error(results, ()))
    table = build_tables(results, decide_all(results), None)["replay_error"]
    assert set(table["name"]) == set(settings.names)
    assert set(table["dataset"]) == set(settings.datasets)


def test_local_arms_are_drawn_on_their_own_data_only(replayed):
    results = read_results(replayed)
    shown = {
        (replay.run.name, replay.summary.dataset): replay.shown_as for replay in results.replays
    }
    assert shown["local_pickplace", "pickplace"] == "local"
    assert shown["local_pickplace", "sorting"] is None
    assert shown["central", "sorting"] == "central"
    assert len(replay_error(results.replays)) == 2 * len(results.replays)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"seed": 7}, "seed"),
        ({"dataset": "stacking"}, "dataset"),
        ({"policy_loss": None}, "policy_loss"),
        ({"schema_version": 2}, "schema_version"),
    ],
)
def test_broken_summaries_are_named(replayed, change, says):
    run, dataset = replayed.runs[-1], replayed.datasets[0]
    file = run.files.replay_summary(dataset)
    write(file, {**summary(run, dataset, 1.0), **change})
    with pytest.raises(ResultsError) as refused:
        read_results(replayed)
    assert says in str(refused.value)
    assert str(file) in str(refused.value)


def test_a_missing_replay_is_named(replayed):
    replayed.runs[0].files.replay_summary(replayed.datasets[0]).unlink()
    with pytest.raises(ResultsError, match="missing"):
        read_results(replayed)
