"""When, from where and how smoothly rollouts succeed, and in which pairs: against hand-made rollouts."""

from dataclasses import replace

import pandas as pd
import pytest

from fedarm.report.episodes import START
from fedarm.report.experiment import read_results
from fedarm.report.figures import FIGURES, figures_of
from fedarm.report.figures.style import to_svg
from fedarm.report.motion import smoothness_by_video, success_by_start, success_by_time
from fedarm.report.paired_counts import paired_counts
from fedarm.report.wording import worst_task


def test_curves_rise_to_the_success_of_the_arm(results):
    table = success_by_time(results)
    final = results.final
    for (name, unseen), curve in table.groupby(["name", "unseen"]):
        rows = final[(final["name"] == name) & (final["unseen"] == unseen)]
        assert curve["success"].is_monotonic_increasing
        assert curve["success"].iloc[0] == 0
        expected = rows.groupby("dataset")["success"].mean().mean()
        assert curve["success"].iloc[-1] == pytest.approx(expected)


def test_shares_are_counted_by_hand(results):
    """Two tasks: one done after 1 and 3 s of four rollouts, the other after 2 s of two."""
    rows = pd.DataFrame(
        {
            "dataset": ["a"] * 4 + ["b"] * 2,
            "success": [True, True, False, False, True, False],
            "duration_s": [1.0, 3.0, 8.0, 8.0, 2.0, 8.0],
        }
    ).assign(name="central", arm="central", unseen=False, final=True)
    table = success_by_time(replace(results, episodes=rows))
    assert table["seconds"].tolist() == [0, 1, 2, 3, 8]
    assert table["success"].tolist() == [0, 0.125, 0.375, 0.5, 0.5]


def test_starts_count_seeds(results):
    table = success_by_start(results)
    assert set(table.loc[table["name"] == "fedprox", "seeds"]) == {3}
    assert set(table.loc[table["name"] == "base", "seeds"]) == {1}
    assert len(table) == 7 * 6 * 20
    assert table["successes"].sum() == results.final["success"].sum()
    assert table[list(START)].notna().all().all()


def test_unknown_positions_are_said(small):
    for run in small.runs:
        for dataset in small.datasets:
            file = run.files.episodes(dataset)
            pd.read_parquet(file).drop(columns=list(START)).to_parquet(file)
    results = read_results(small)
    assert len(success_by_start(results)) == 5 * 3 * 12
    assert "unknown" in to_svg(FIGURES["success_by_start"].draw(results, ()))
    assert "success_by_start" not in figures_of(replace(small, evaluation="recorded"))


def test_pairs_are_of_one_seed_and_initial_condition(results):
    table = paired_counts(results)
    first = table.iloc[0]
    assert first["dataset"] == "all"
    final = results.final.set_index(["name", "dataset", "seed", "episode"])["success"]
    both = sum(
        final["fedprox", dataset, seed, episode] and final["central", dataset, seed, episode]
        for dataset in results.settings.clients
        for seed in (0, 1, 2)
        for episode in range(20)
    )
    assert first["both"] == both
    counts = first[["both", "candidate_only", "reference_only", "neither"]]
    assert counts.sum() == 4 * 3 * 20
    assert first["unpaired"] == 0


def test_rollouts_without_a_partner_are_counted(results):
    episodes = results.episodes
    gone = (episodes["name"] == "central") & (episodes["seed"] == 2) & episodes["final"]
    table = paired_counts(replace(results, episodes=episodes[~gone]))
    assert table.iloc[0]["unpaired"] == 4 * 20
    assert (
        table.iloc[0][["both", "candidate_only", "reference_only", "neither"]].sum() == 4 * 2 * 20
    )


def test_smoothness_is_of_final_films(results):
    table = smoothness_by_video(results)
    assert len(table) == len(results.clips)
    assert set(table.loc[table["success"], "smoothness_sparc"]) == {-2.5}


def test_the_worst_task_is_named(decisions):
    by_task = decisions[0].by_task
    worst = min(by_task, key=lambda name: by_task[name].difference)
    assert worst_task(decisions[0]).startswith(f"Worst on {worst.replace('_', ' ')}: ")
    assert worst_task(replace(decisions[0], by_task={worst: by_task[worst]})) == ""
