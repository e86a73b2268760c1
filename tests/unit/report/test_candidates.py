"""What the figures of single candidates rest on: profiles, power, and looks that were not taken."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from fedarm.report.experiment import read_results
from fedarm.report.figures import FIGURES
from fedarm.report.figures.style import to_svg
from fedarm.report.looks import looks_of, sequential_looks
from fedarm.report.outcomes import shared_outcomes
from fedarm.report.power import projected_power
from fedarm.report.profiles import performance_profiles
from fedarm.report.verdicts import decide_all
from fedarm.stats.power import POWER
from fedarm.stats.verdict import decide

from .fabrication import fabricate


@pytest.fixture(scope="module")
def one_seed(tmp_path_factory):
    """Return results and decisions of an experiment that speaks of its checkpoints only."""
    root = tmp_path_factory.mktemp("one_seed")
    results = read_results(fabricate(root, clients=("pickplace",), seeds=(0,), videos=False))
    return results, decide_all(results)


def test_profiles_count_runs_by_hand(results):
    """Two seeds on two tasks: a half, a half, all and none of two rollouts."""
    scores = {("a", 0): 1, ("a", 1): 1, ("b", 0): 2, ("b", 1): 0}
    rows = pd.DataFrame(
        {
            "name": name,
            "arm": name,
            "dataset": dataset,
            "unseen": False,
            "seed": seed,
            "final": True,
            "success": done > k,
        }
        for name in ("base", "central", "fedprox")
        for (dataset, seed), done in scores.items()
        for k in range(2)
    )
    table = performance_profiles(replace(results, episodes=rows))
    central = table[table["name"] == "central"]
    assert central["threshold"].tolist() == [0, 0.5, 1]
    assert central["share"].tolist() == [0.75, 0.25, 0]
    # Task a has two equal seeds, so drawing them again moves task b only.
    assert central["low"].tolist() == [0.5, 0, 0]
    assert central["high"].tolist() == [1, 0.5, 0]


def test_power_agrees_with_what_the_page_says_it_takes(results, decisions):
    table = projected_power(results, decisions)
    for margin, designs in decisions[0].designs.items():
        curve = table[(table["margin"] == margin) & (table["episodes"] == 20)]
        enough = curve.loc[curve["power"] >= POWER, "seeds"]
        if designs[0].episodes == 20 and designs[0].seeds <= curve["seeds"].max():
            assert enough.min() == designs[0].seeds
        else:
            assert enough.empty
        assert curve["power"].is_monotonic_increasing
        assert curve.loc[curve["here"], "seeds"].tolist() == [3]


def test_of_checkpoints_power_grows_with_episodes(one_seed):
    results, decisions = one_seed
    table = projected_power(results, decisions)
    assert set(table["level"]) == {"checkpoints"}
    for margin, (needed,) in decisions[0].designs.items():
        curve = table[table["margin"] == margin].set_index("episodes")["power"]
        assert (curve[curve.index < needed.episodes - 1] < POWER).all()
        assert (curve[curve.index > needed.episodes + 1] > POWER).all()
    assert table.loc[table["here"], "episodes"].tolist() == [20, 20]


def test_a_reference_that_never_succeeds_has_no_power(results, decisions):
    dead = replace(decisions[0], comparison=replace(decisions[0].comparison, reference=0.0))
    assert projected_power(results, (dead,)).empty
    assert "reference never succeeds" in to_svg(FIGURES["power"].draw(results, (dead,)))


@pytest.mark.parametrize(
    ("conditions", "moments"),
    [(20, (4, 8, 12, 16, 20)), (16, (3, 6, 10, 13, 16)), (3, (1, 2, 3)), (1, (1,))],
)
def test_looks_of_a_fixed_design_are_as_even_as_initial_conditions_allow(
    settings, conditions, moments
):
    assert looks_of(settings, conditions).moments == moments


def test_boundaries_are_those_of_lan_and_demets(settings):
    """Proschan, Lan and Wittes 2006: five equal looks, one-sided 0.025."""
    plan = looks_of(settings, 20).plan
    assert plan.boundaries == pytest.approx((4.877, 3.357, 2.680, 2.290, 2.031), abs=1e-3)


def test_looks_that_were_taken_end_where_the_rollouts_did(one_seed):
    """Four looks of five initial conditions each were planned, and the arm stopped at the third."""
    results, decisions = one_seed
    plan = replace(results.settings, level="checkpoints", looks=4, episodes=20)
    stopped = results.episodes[
        (results.episodes["name"] != "fedprox") | (results.episodes["episode"] < 15)
    ]
    sequential = replace(results, settings=plan, episodes=stopped)
    table = sequential_looks(sequential, decisions)
    of_margin = table[table["margin"] == 0.2]
    assert of_margin["initial_conditions"].tolist() == [5, 10, 15, 20]
    assert of_margin["taken"].tolist() == [True, True, True, False]
    assert of_margin["z"].isna().tolist() == [False, False, False, True]
    # O'Brien and Fleming 1979, four looks: 4.049, 2.863, 2.337, 2.024.
    assert of_margin["boundary"].tolist() == pytest.approx([4.049, 2.863, 2.337, 2.024], abs=2e-3)
    assert "were used" in to_svg(FIGURES["sequential_looks"].draw(sequential, decisions))
    (look,) = {decision.look.number for decision in decide_all(sequential) if decision.primary}
    assert look == 3


def test_the_last_look_has_all_and_says_what_the_score_interval_says(one_seed):
    results, decisions = one_seed
    table = sequential_looks(results, decisions)
    last = table[table["look"] == 5].set_index("margin")
    assert set(last["pairs"]) == {20}
    for margin, row in last.iterrows():
        ci = decisions[0].comparison.ratio_ci
        if decide(ci, [margin]).startswith("non-inferior"):
            assert row["z"] > 1.96
        else:
            assert row["z"] < 1.96


def test_looks_average_seeds_and_take_initial_conditions_in_their_order(results, decisions):
    table = sequential_looks(results, decisions)
    names, clients = ("fedprox", "central"), results.settings.clients
    success = shared_outcomes(results.final, names, datasets=clients).success
    first = table[(table["margin"] == 0.2) & (table["look"] == 1)].iloc[0]
    seen = [success[name].mean(axis=0)[:, :4] for name in names]
    assert first["pairs"] == 4 * 4
    assert table["taken"].tolist() == [False] * 4 + [True] + [False] * 4 + [True]
    # The sign of z is that of how many successes are kept beyond 80 %.
    assert np.sign(first["z"]) == np.sign(seen[0].sum() - 0.8 * seen[1].sum())
    assert set(table["metric"]) == {"success"}


def test_a_candidate_that_always_does_better_would_have_stopped_early(one_seed):
    results, decisions = one_seed
    episodes = results.episodes
    better = episodes.assign(
        success=episodes["success"].mask(episodes["name"] == "fedprox", True)
        & ((episodes["name"] != "central") | (episodes["episode"] % 2 == 0))
    )
    table = sequential_looks(replace(results, episodes=better), decisions)
    outcomes = table.loc[table["margin"] == 0.2, "outcome"].tolist()
    assert pd.isna(outcomes[0])
    assert outcomes[-1] == "non-inferior"
    assert "non-inferior" in outcomes[1:-1]


@pytest.mark.parametrize("name", ["power", "sequential_looks", "performance_profiles"])
def test_without_candidates_a_figure_says_so(results, name):
    alone = replace(results.settings, reference="fedprox")
    svg = to_svg(FIGURES[name].draw(replace(results, settings=alone), ()))
    assert "othing is compared" in svg


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("power", "you are here: 3 seeds × 20 episodes a task"),
        ("sequential_looks", "were not used"),
    ],
)
def test_panels_are_named_after_candidates_and_margins(results, decisions, name, text):
    svg = to_svg(FIGURES[name].draw(results, decisions))
    assert all(each in svg for each in ("fedprox", "20 %", "10 %", text))
