"""LeRobot's own evaluation and fedarm's rollouts agree on a checkpoint, episode by episode."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fedarm.rollout.actor import load_actor
from fedarm.rollout.closed_loop import SLOTS, roll_out
from fedarm.sim.initial_conditions import InitialConditions
from fedarm.sim.scene import compile_scene
from tests.unit.lerobot_plugin.easy_task import SHOULDER_LIFT, make_easy

EPISODES = SLOTS + 2
STEPS = 16
CAMERA = 96
EXPERIMENT_SEED = 5
HERE = Path(__file__).parent


def roll_out_here(checkpoint):
    """Return the results of fedarm's own rollouts."""
    scene = compile_scene("sorting", "moved_camera")
    conditions = InitialConditions(EXPERIMENT_SEED, "sorting", "moved_camera")
    return roll_out(
        scene,
        [conditions.seed(entry) for entry in range(EPISODES)],
        controller=load_actor(checkpoint).told(scene.task.instruction),
        horizon_steps=STEPS,
        camera_size=CAMERA,
    )


def evaluate_by_lerobot(checkpoint, angle, folder):
    """Return the successes that `lerobot-eval` finds, and the joints that it saw."""
    arguments = {
        "env.discover_packages_path": "fedarm.lerobot_plugin",
        "env.type": "fedarm",
        "env.task": "sorting",
        "env.variant": "moved_camera",
        "env.camera_size": CAMERA,
        "env.render_size": 64,
        "env.experiment_seed": EXPERIMENT_SEED,
        "env.episode_length": STEPS,
        "policy.path": checkpoint,
        "seed": 0,
        "eval.n_episodes": EPISODES,
        "eval.batch_size": SLOTS,
        "eval.use_async_envs": "false",
        "output_dir": folder / "out",
    }
    script = [sys.executable, HERE / "easy_task.py", str(angle), folder / "joints.json"]
    subprocess.run(
        [*script, *(f"--{key}={value}" for key, value in arguments.items())],
        check=True,
        env={**os.environ, "PYTHONPATH": str(HERE.parents[2]), "OMP_NUM_THREADS": "1"},
        capture_output=True,
    )
    info = json.loads((folder / "out" / "eval_info.json").read_text())
    joints = json.loads((folder / "joints.json").read_text())
    return info["per_task"][0]["metrics"]["successes"], joints


@pytest.mark.slow
def test_lerobot_eval_finds_the_same_successes(checkpoint, monkeypatch, tmp_path):
    """And sees the same joints, to the last bit, at every step of every episode."""
    seen = make_easy(np.inf, monkeypatch)
    roll_out_here(checkpoint)
    angle = np.median([np.max(states, axis=0)[SHOULDER_LIFT] for states in seen.values()])
    seen = make_easy(angle, monkeypatch)
    ours = [result.success for result in roll_out_here(checkpoint)]
    assert sorted(ours) == [False] * (EPISODES // 2) + [True] * (EPISODES // 2)
    theirs, their_joints = evaluate_by_lerobot(checkpoint, angle, tmp_path)
    assert theirs == ours
    assert len(seen) == EPISODES
    for start, joints in seen.items():
        assert their_joints[start][: len(joints)] == joints
