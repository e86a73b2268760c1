"""What is believed of the arms: against closed forms, and rollouts made by hand."""

from dataclasses import replace

import pandas as pd
import pytest
from scipy.stats import beta

from fedarm.report.posteriors import beliefs, posterior_cells, posteriors

NAMES = ("base", "central", "fedprox")


def rollouts(successes, *, episodes=20):
    """Return final rollouts on one task; `successes` has the successes of each seed, by name."""
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "name": name,
                    "arm": name,
                    "seed": seed,
                    "dataset": "pickplace",
                    "unseen": False,
                    "final": True,
                    "success": [k < done for k in range(episodes)],
                }
            )
            for name, of_seeds in successes.items()
            for seed, done in enumerate(of_seeds)
        ]
    )


@pytest.fixture
def by_hand(small, results):
    """Return an experiment with three arms, of which only the base has one seed."""
    runs = tuple(run for run in small.runs if run.name in NAMES)
    settings = replace(small, runs=runs, clients=("pickplace",), unseen=())
    episodes = rollouts({"base": (2,), "central": (18, 17), "fedprox": (17, 18)})
    return replace(results, settings=settings, episodes=episodes)


def test_one_seed_is_believed_of_as_its_checkpoint(by_hand):
    base = posteriors(beliefs(by_hand)).set_index("name").loc["base"]
    assert base["level"] == "checkpoints"
    exact = beta(2.5, 18.5)
    assert base["mean"] == pytest.approx(2.5 / 21, abs=1e-5)
    assert (base["low"], base["high"]) == pytest.approx(exact.interval(0.95), abs=1e-4)


def test_several_seeds_are_believed_of_as_trained_anew(by_hand):
    table = posteriors(beliefs(by_hand)).set_index("name")
    assert table.loc["central", "level"] == "seeds"
    assert tuple(table.loc["central", ["seeds", "successes", "episodes"]]) == (2, 35, 40)
    # Two seeds say little of the next one: wider than 35 of 40 episodes of one checkpoint.
    width = table.loc["central", "high"] - table.loc["central", "low"]
    low, high = beta(35.5, 5.5).interval(0.95)
    assert width > 1.3 * (high - low)
    settings = replace(by_hand.settings, level="checkpoints")
    only = posteriors(beliefs(replace(by_hand, settings=settings)))
    assert set(only["level"]) == {"checkpoints"}


def test_arms_share_a_letter_unless_one_is_surely_better(by_hand):
    """Nine in ten are not told from nine in ten, one in ten is."""
    letters = posteriors(beliefs(by_hand)).set_index("name")["letters"]
    assert letters.to_dict() == {"base": "b", "central": "a", "fedprox": "a"}


def test_cells_hold_what_is_believed(by_hand):
    cells = posterior_cells(beliefs(by_hand))
    for name, mean in posteriors(beliefs(by_hand)).set_index("name")["mean"].items():
        hill = cells[cells["name"] == name]
        assert hill["probability"].sum() == pytest.approx(1, abs=0.01)
        expected = (hill["success"] * hill["probability"]).sum() / hill["probability"].sum()
        assert expected == pytest.approx(mean, abs=0.01)


def test_every_arm_and_group_is_there(results):
    table = posteriors(beliefs(results))
    assert len(table) == 7 * 2
    assert table["successes"].sum() == results.final["success"].sum()
    assert table["episodes"].sum() == len(results.final)
