"""The list of initial conditions is the same for all, and its version stands for what is in it."""

import numpy as np
import pytest

from fedarm.sim.initial_conditions import LIST_VERSION, InitialConditions
from fedarm.sim.placement import draw_placement
from fedarm.sim.tasks import TASKS, get_task, get_variant

# x and y of the object in millimetres, entries 0 and 1. A change of the list is a new version.
VERSION_1 = {
    "pickplace": [[219.5, -57.2], [244.9, -41.1]],
    "stacking": [[235.6, -78.4], [221.0, -54.9]],
    "sorting": [[227.8, -21.1], [218.0, 7.9]],
    "so101_pickplace": [[247.7, 79.4], [205.6, 59.4]],
}
SEEDS = {
    InitialConditions(seed, task, variant).seed(entry)
    for seed in (0, 1)
    for task in ("pickplace", "sorting")
    for variant in ("standard", "new_look")
    for entry in (0, 1)
}


def test_name_says_task_variant_seed_and_version():
    assert InitialConditions(7, "sorting", "new_look").name == "sorting-new_look-seed7-v1"


def test_entries_differ_by_experiment_task_variant_and_number():
    assert len(SEEDS) == 16


@pytest.mark.parametrize("task", TASKS)
def test_entries_of_this_version_put_things_where_they_always_did(task):
    assert LIST_VERSION == 1
    conditions = InitialConditions(0, task, "standard")
    staged = get_variant("standard").stage(get_task(task))
    places = []
    for entry in (0, 1):
        placement = draw_placement(staged, np.random.default_rng(conditions.seed(entry)))
        places.append([round(1000 * metre, 1) for metre in placement.object_xy_m])
    assert places == VERSION_1[task]
