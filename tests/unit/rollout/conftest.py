"""A random policy on disk, an expert that acts like a policy, and the settings of a small run."""

from pathlib import Path

import numpy as np
import pytest

from fedarm import config_policies
from fedarm.evaluation_settings import RolloutRound, RolloutSettings, Scene
from fedarm.paths import RunPaths, write_json
from fedarm.policies.checkpoint import save_pretrained
from fedarm.policies.presets import build_policy, so101_features
from fedarm.rollout.closed_loop import SLOTS, Controller
from fedarm.settings import Run
from fedarm.sim.expert import joint_targets
from fedarm.sim.simulation import HOME_DEG, Simulation

CHUNK, EXECUTED = 16, 8
SCENES = (
    Scene("left", "pickplace", "standard", unseen=False, camera_size=64),
    Scene("other", "sorting", "moved_camera", unseen=True, camera_size=64),
)


@pytest.fixture(scope="session")
def statistics():
    joints = {"mean": np.array(HOME_DEG), "std": np.full(6, 20.0)}
    pixels = {"mean": np.full((3, 1, 1), 0.5), "std": np.full((3, 1, 1), 0.2)}
    return {
        "observation.images.front": pixels,
        "observation.state": joints,
        "action": joints,
    }


@pytest.fixture(scope="session")
def policy():
    return build_policy(config_policies.ActPolicy(chunk_size=CHUNK), so101_features(64), seed=0)


@pytest.fixture(scope="module")
def small_run(policy, statistics):
    """Return a function that makes a run with checkpoints and metrics but no rollouts yet."""

    def make(name="fedprox", *, results: Path, videos=1, rounds=(1, 2)):
        paths = RunPaths(results / name / "seed0", federated=name == "fedprox")
        for number in rounds:
            save_pretrained(policy, statistics, paths.pretrained_model(number))
        lines = [{"round": number, "held_out_loss": {"left": 0.1 * number}} for number in rounds]
        write_json(paths.metrics, {"rounds": lines})
        return RolloutSettings(
            run=Run(name, name, "federated" if name == "fedprox" else "central", 0, ("left",)),
            scenes=SCENES,
            rounds=tuple(RolloutRound(n, n, final=n == rounds[-1]) for n in rounds),
            videos=videos,
            video_size=160,
            experiment_seed=7,
            paths=paths,
        )

    return make


@pytest.fixture
def expert():
    """Return a function that makes a controller which does a scene's episodes as the expert would."""

    def make(scene, seeds):
        plans = []
        for seed in seeds:
            placement = Simulation(scene).reset(seed)
            plans.append(np.array([target for target, _ in joint_targets(scene, placement)]))
        looks = iter(range(100))

        def predict(images, states):
            first = next(looks) * EXECUTED
            chunk = np.zeros((SLOTS, CHUNK, 6), np.float32)
            for slot, targets in enumerate(plans):
                steps = np.minimum(np.arange(first, first + CHUNK), len(targets) - 1)
                chunk[slot] = targets[steps]
            return chunk

        return Controller(predict, image_size=64, n_action_steps=EXECUTED)

    return make
