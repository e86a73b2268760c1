"""The lab: a simulated SO-101 arm, its tasks, an expert that does them, and datasets of what it did.

    tasks.py looks.py         what is to be done, and what it looks like; no MuJoCo
    arm.py floors.py          light meshes of the arm, textures of the table
    scene.py rendering.py     the MuJoCo model, its camera, pictures
    placement.py              where everything lies at the start of an episode
    initial_conditions.py     the named list of starts that all arms share
    simulation.py             an episode: physics, senses, success
    environment.py            the same as gymnasium environments, as LeRobot's evaluation takes them
    kinematics.py expert.py   the scripted expert
    recording.py              LeRobot datasets of its demonstrations

    fedarm/SO101-PickPlace-v0  fedarm/SO101-Stacking-v0  fedarm/SO101-Sorting-v0
    fedarm/SO101-PickPlaceMirrored-v0

Importing this package registers the environments; MuJoCo is imported when one is made.
"""

from __future__ import annotations

import gymnasium

from fedarm.sim.tasks import TASKS

for _task in TASKS.values():
    gymnasium.register(
        id=_task.env_id,
        entry_point="fedarm.sim.environment:SO101Env",
        max_episode_steps=_task.horizon_steps,
        kwargs={"task": _task.name},
    )
