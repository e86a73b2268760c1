"""Initial conditions."""

import numpy as np
import pytest

from fedarm.sim.placement import HOME_JITTER_DEG, MIN_APART_M, draw_placement
from fedarm.sim.tasks import TASKS, VARIANTS

PAIRS = [(task, variant) for task in TASKS for variant in ("standard", "wider_spawn")]


def draw(task, seed):
    return draw_placement(task, np.random.default_rng(seed))


def within(xy_m, region):
    return all(
        low <= value <= high
        for value, (low, high) in zip(xy_m, (region.x_m, region.y_m), strict=True)
    )


@pytest.mark.parametrize(("name", "variant"), PAIRS)
def test_everything_is_in_its_region_and_apart(name, variant):
    task = VARIANTS[variant].stage(TASKS[name])
    for seed in range(200):
        placement = draw(task, seed)
        assert within(placement.object_xy_m, task.object_region)
        for goal, region in zip(placement.goals_xy_m, task.goal_regions, strict=True):
            assert within(goal, region)
            assert np.hypot(*np.subtract(goal, placement.object_xy_m)) >= MIN_APART_M
        assert np.abs(placement.home_offset_deg).max() <= HOME_JITTER_DEG


def test_one_seed_one_placement():
    first, second, other = (draw(TASKS["sorting"], seed) for seed in (3, 3, 4))
    assert first.object_xy_m == second.object_xy_m != other.object_xy_m
    assert first.goals_xy_m == second.goals_xy_m
    np.testing.assert_array_equal(first.home_offset_deg, second.home_offset_deg)


def test_sorting_has_both_colours_and_the_others_one():
    assert {draw(TASKS["sorting"], seed).goal for seed in range(20)} == {0, 1}
    assert {draw(TASKS["stacking"], seed).goal for seed in range(20)} == {0}
