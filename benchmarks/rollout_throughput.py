"""Rollout episodes a minute, over `lerobot-eval`'s on the same checkpoints: figure `rollout_throughput`.

The work is that of an arm: three checkpoints in six scenes, 16 initial conditions each. The pictures
that the policy sees are the same, and so are joints and successes, to the bit (a test says so). Whole
commands are timed, from the start of the process to its end, as they come:

    ours        one job, as the rule `rollout_arm` starts it, with a worker process a core: all
                checkpoints and scenes, one film of each
    LeRobot's   `lerobot-eval`, which takes one checkpoint and one scene, so that an arm is 18 of them;
                with the environments in one process and as many at a time as our batches have. It films
                ten episodes of each and cannot be told not to

    rollout_throughput_cpu      the same over processor seconds instead of seconds: without the use of
                                several cores, and less troubled by what else runs
    rollout_throughput_loop     LeRobot's evaluation function and our loop, in this process, without
                                starting, films and workers, over processor seconds; that their successes
                                are the same is asserted

With random weights, as here by default, every episode goes to its end; `--checkpoint` takes a trained
policy.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import redirect_stderr
from dataclasses import dataclass
from functools import partial
from io import StringIO
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

from fedarm.evaluation_settings import RolloutRound, RolloutSettings, Scene
from fedarm.paths import RunPaths, write_json
from fedarm.settings import Run

EPISODES = 16
CHECKPOINTS = 3
CAMERA_SIZE, IMAGE_SIZE = 128, 64
REPEATS = 3
CORES = len(os.sched_getaffinity(0))
SCENES = tuple(
    Scene(f"{task}_{variant}", task, variant, variant != "standard", CAMERA_SIZE)
    for task, variant in (
        ("pickplace", "standard"),
        ("stacking", "standard"),
        ("sorting", "standard"),
        ("so101_pickplace", "standard"),
        ("pickplace", "new_look"),
        ("sorting", "moved_camera"),
    )
)


@dataclass(frozen=True)
class Rates:
    """How fast episodes were rolled out."""

    episodes: int
    seconds: float
    cpu_seconds: float

    @property
    def per_min(self) -> float:
        return 60 * self.episodes / self.seconds

    @property
    def per_cpu_min(self) -> float:
        return 60 * self.episodes / self.cpu_seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, help="a `pretrained_model` folder")
    parser.add_argument("--job", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.job:
        roll_out_arm(args.job)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        checkpoint = args.checkpoint or save_random_policy(folder / "random" / "pretrained_model")
        loop = [loop_ratio(checkpoint) for _ in range(REPEATS)]
        ours, theirs = job_rate(checkpoint, folder), command_rate(checkpoint, folder)
    print(f"cores: {CORES}")
    for label, rates in (("ours", ours), ("lerobot_eval", theirs)):
        print(f"{label}_episodes_per_min: {rates.per_min:.0f}")
        print(f"{label}_episodes_per_cpu_min: {rates.per_cpu_min:.0f}")
    print(f"rollout_throughput_loop: {statistics.median(loop):.1f}")
    print(f"rollout_throughput_cpu: {ours.per_cpu_min / theirs.per_cpu_min:.1f}")
    print(f"rollout_throughput: {ours.per_min / theirs.per_min:.1f}")


def save_random_policy(folder: Path) -> Path:
    import numpy as np

    from fedarm.config_policies import ActPolicy
    from fedarm.policies.checkpoint import save_pretrained
    from fedarm.policies.presets import build_policy, so101_features
    from fedarm.sim.simulation import HOME_DEG

    joints = {"mean": np.array(HOME_DEG), "std": np.full(6, 20.0)}
    pixels = {"mean": np.full((3, 1, 1), 0.5), "std": np.full((3, 1, 1), 0.2)}
    moments = {
        "observation.images.front": pixels,
        "observation.state": joints,
        "action": joints,
    }
    save_pretrained(build_policy(ActPolicy(), so101_features(IMAGE_SIZE), seed=0), moments, folder)
    return folder


def loop_ratio(checkpoint: Path) -> float:
    """Return the processor time of LeRobot's loop over that of ours, in this process."""
    from fedarm.rollout.actor import load_actor
    from fedarm.rollout.closed_loop import roll_out
    from fedarm.sim.initial_conditions import InitialConditions
    from fedarm.sim.scene import compile_scene

    scene = compile_scene("pickplace")
    conditions = InitialConditions(0, "pickplace", "standard")
    roll_out_all = partial(
        roll_out,
        scene,
        [conditions.seed(entry) for entry in range(EPISODES)],
        controller=load_actor(checkpoint).controller,
        horizon_steps=scene.task.horizon_steps,
        camera_size=CAMERA_SIZE,
    )
    evaluate = prepare_lerobot(checkpoint)
    roll_out_all()
    start = time.process_time()
    results = roll_out_all()
    between = time.process_time()
    with redirect_stderr(StringIO()):  # A progress bar a step.
        info = evaluate()
    end = time.process_time()
    theirs = [episode["success"] for episode in info["per_episode"]]
    assert theirs == [result.success for result in results]
    return (end - between) / (between - start)


def prepare_lerobot(checkpoint: Path):
    """Return a function that evaluates a checkpoint as `lerobot-eval` does, without films."""
    from lerobot.configs.policies import PreTrainedConfig
    from lerobot.envs import make_env, make_env_pre_post_processors
    from lerobot.policies import make_policy, make_pre_post_processors
    from lerobot.scripts.lerobot_eval import eval_policy

    import fedarm.lerobot_plugin  # noqa: F401
    from fedarm.lerobot_plugin.environment import FedarmEnv
    from fedarm.rollout.closed_loop import SLOTS

    env_config = FedarmEnv(task="pickplace", image_size=IMAGE_SIZE, camera_size=CAMERA_SIZE)
    config = PreTrainedConfig.from_pretrained(checkpoint)
    config.pretrained_path = checkpoint
    policy = make_policy(cfg=config, env_cfg=env_config)
    before, after = make_pre_post_processors(policy_cfg=config, pretrained_path=str(checkpoint))
    env_before, env_after = make_env_pre_post_processors(env_cfg=env_config, policy_cfg=config)
    env = make_env(env_config, n_envs=SLOTS)["fedarm"][0]
    return partial(
        eval_policy,
        env=env,
        policy=policy,
        env_preprocessor=env_before,
        env_postprocessor=env_after,
        preprocessor=before,
        postprocessor=after,
        n_episodes=EPISODES,
        start_seed=0,
    )


def job_rate(checkpoint: Path, folder: Path) -> Rates:
    """Return how fast a rollout job is."""
    for seed in range(CHECKPOINTS):
        link = arm_paths(folder, seed).pretrained_model(1)
        link.parent.mkdir(parents=True)
        link.symlink_to(checkpoint.resolve())
        write_json(arm_paths(folder, seed).metrics, {"rounds": []})
    job = run([sys.executable, __file__, "--job", folder])
    return Rates(EPISODES * CHECKPOINTS * len(SCENES), *job)


def arm_paths(folder: Path, seed: int) -> RunPaths:
    return RunPaths(folder / "central" / f"seed{seed}", federated=False)


def roll_out_arm(folder: Path) -> None:
    from fedarm.rollout.run import rollout_runs

    runs = [
        RolloutSettings(
            run=Run("central", "central", "central", seed, ("pickplace",)),
            scenes=SCENES,
            rounds=(RolloutRound(1, EPISODES, final=True),),
            videos=1,
            video_size=240,
            experiment_seed=0,
            paths=arm_paths(folder, seed),
        )
        for seed in range(CHECKPOINTS)
    ]
    rollout_runs(runs, workers=CORES)


def command_rate(checkpoint: Path, folder: Path) -> Rates:
    """Return how fast `lerobot-eval` is, over all scenes."""
    from fedarm.rollout.closed_loop import SLOTS

    commands = []
    for scene in SCENES:
        out = folder / scene.dataset
        arguments = {
            "env.discover_packages_path": "fedarm.lerobot_plugin",
            "env.type": "fedarm",
            "env.task": scene.task,
            "env.variant": scene.variant,
            "env.camera_size": scene.camera_size,
            "policy.path": checkpoint,
            "seed": 0,
            "eval.n_episodes": EPISODES,
            "eval.batch_size": SLOTS,
            "eval.use_async_envs": "false",
            "output_dir": out,
        }
        command = Path(sys.executable).with_name("lerobot-eval")
        commands.append(run([command, *(f"--{key}={value}" for key, value in arguments.items())]))
        info = json.loads((out / "eval_info.json").read_text())
        assert info["overall"]["n_episodes"] == EPISODES
    return Rates(EPISODES * len(SCENES), *map(sum, zip(*commands, strict=True)))


def run(command: list) -> tuple[float, float]:
    """Run a command; return its seconds, and its processor seconds with those of its children."""
    start, used = time.perf_counter(), children_cpu_s()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start, children_cpu_s() - used


def children_cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
