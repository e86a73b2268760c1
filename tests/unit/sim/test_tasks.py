"""Names, staging, instructions."""

import subprocess
import sys
from typing import get_args

import pytest

from fedarm import config_datasets
from fedarm.errors import ConfigError
from fedarm.sim.tasks import TASKS, VARIANTS, get_task, get_variant


def test_the_configuration_knows_the_same_names():
    assert set(get_args(config_datasets.SimTask)) == set(TASKS)
    assert set(get_args(config_datasets.SimVariant)) == set(VARIANTS)


def test_a_misspelt_task_gets_the_closest_name():
    with pytest.raises(ConfigError, match="did you mean 'stacking'"):
        get_task("staking")
    with pytest.raises(ConfigError, match="did you mean 'new_look'"):
        get_variant("newlook")


def test_instructions_name_the_colours_that_are_there():
    assert get_task("pickplace").instruction == "Put the red cube on the blue disc."
    assert get_task("so101_pickplace").instruction == "Put the orange cube on the white disc."
    assert get_task("stacking").instruction == "Stack the red cube on the blue cube."


def test_standard_changes_nothing():
    for task in TASKS.values():
        assert get_variant("standard").stage(task) == task


def test_wider_regions_keep_their_middle():
    task = get_task("pickplace")
    wide = get_variant("wider_spawn").stage(task).object_region
    assert sum(wide.x_m) == pytest.approx(sum(task.object_region.x_m))
    width = task.object_region.x_m[1] - task.object_region.x_m[0]
    assert wide.x_m[1] - wide.x_m[0] == pytest.approx(1.4 * width)


def test_every_object_has_a_goal_and_every_goal_a_region():
    for task in TASKS.values():
        assert len(task.objects) == len(task.goals) == len(task.goal_regions)


def test_names_can_be_checked_without_mujoco():
    code = "import sys, fedarm.sim.tasks; print('mujoco' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
