"""Three of the moments of `benchmarks/kill_anywhere.py`, which has twenty."""

from pathlib import Path

import pytest

from benchmarks.kill_anywhere import (
    PLACES,
    Moment,
    draw_moments,
    small_experiment,
    survives,
    train_unbroken,
)

# A forked child has everything imported already; it computes in one thread and dies soon.
pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("unbroken")
    experiment = small_experiment(folder / "results")
    return {kind: train_unbroken(experiment, kind, folder) for kind in ("base", "federated")}


@pytest.mark.parametrize("place", PLACES)
def test_a_federated_run_survives_sigkill(unbroken, tmp_path: Path, place: str):
    run = unbroken["federated"]
    delay_s = 0.5 * run.save_s if "checkpoint" in place else 0.0
    moment = Moment("federated", place, 1 + run.calls[place] // 2, delay_s)
    assert survives(run, moment, tmp_path / "killed")


def test_a_run_that_differs_does_not_survive(unbroken, tmp_path: Path):
    """The comparison sees one byte: else all of the above would mean nothing."""
    from dataclasses import replace

    run = unbroken["federated"]
    file = next(iter(run.results["files"]))
    other = replace(run, results={**run.results, "files": {**run.results["files"], file: "0" * 64}})
    moment = Moment("federated", "between rounds", 2, 0.0)
    assert not survives(other, moment, tmp_path / "killed")


def test_moments_go_through_all_runs_and_places(unbroken):
    moments = draw_moments(unbroken, seed=0)
    assert len(moments) == 20
    assert {(moment.run, moment.place) for moment in moments} == {
        (kind, place) for kind in unbroken for place in PLACES
    }
    assert moments == draw_moments(unbroken, seed=0) != draw_moments(unbroken, seed=1)
