"""Rollout episodes a minute, over `lerobot-eval`'s on the same checkpoints: figure `rollout_throughput`.

The work is that of an arm of `config.yaml`: its training seeds, scenes, checkpoints and episodes. The
pictures that the policy sees are the same, and so are joints and successes, to the bit (a test says so).
Whole commands are timed, from the start of the process to its end, as they come:

    ours        one job, the rule `rollout_arm`'s, with a worker process a core: all checkpoints and
                scenes, with its films
    LeRobot's   `lerobot-eval`, which takes one checkpoint and one scene, so that an arm is dozens of
                them; with the environments in one process and as many at a time as our batches have. It
                films ten episodes of each and cannot be told not to. Training seeds differ in nothing
                that takes time: one of them is timed

    rollout_throughput_cpu      the same over processor seconds instead of seconds: without the use of
                                several cores, and less troubled by what else runs
    rollout_throughput_loop     LeRobot's evaluation function and our loop, in this process, without
                                starting, films and workers, over processor seconds; that their successes
                                are the same is asserted

The two take turns, scene by scene of LeRobot's, so that what else the machine does meets both; the job's
median counts. With random weights, as here by default, every episode goes to its end; `--checkpoint`
takes a trained policy, which stands for all checkpoints.
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

from fedarm.config import read_config
from fedarm.evaluation_jobs import rollout_settings
from fedarm.evaluation_settings import RolloutRound, Scene
from fedarm.experiment import load_experiment
from fedarm.paths import write_json

RUN = "central"
LOOP_EPISODES = 16
REPEATS = 3
CORES = len(os.sched_getaffinity(0))


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
    parser.add_argument("--config", type=Path, default=Path("config.yaml"))
    parser.add_argument("--checkpoint", type=Path, help="a `pretrained_model` folder")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        arm = Arm(args.config, Path(name))
        checkpoint = args.checkpoint or save_random_policy(arm)
        arm.link(checkpoint)
        loop = [loop_ratio(checkpoint, arm) for _ in range(REPEATS)]
        ours, theirs = rates(arm, checkpoint)
    print(f"cores: {CORES}")
    for label, rate in (("ours", ours), ("lerobot_eval", theirs)):
        print(f"{label}_episodes_per_min: {rate.per_min:.0f}")
        print(f"{label}_episodes_per_cpu_min: {rate.per_cpu_min:.0f}")
    print(f"rollout_throughput_loop: {statistics.median(loop):.1f}")
    print(f"rollout_throughput_cpu: {ours.per_cpu_min / theirs.per_cpu_min:.1f}")
    print(f"rollout_throughput: {ours.per_min / theirs.per_min:.1f}")


class Arm:
    """An arm of an experiment whose results lie in a folder of their own.

    Args:
        config: The experiment's configuration.
        folder: Where everything is written.
    """

    def __init__(self, config: Path, folder: Path) -> None:
        raw = read_config(config).model_dump(mode="json") | {"results_dir": str(folder / "results")}
        self.folder = folder
        self.config = folder / "config.yaml"
        write_json(self.config, raw)
        experiment = load_experiment(self.config)
        self.seed = experiment.config.seed
        self.image_size = experiment.config.policy.image_size
        self.policy = experiment.config.policy
        self.jobs = [rollout_settings(experiment, run) for run in experiment.runs_named(RUN)]

    @property
    def scenes(self) -> tuple[Scene, ...]:
        return self.jobs[0].scenes

    @property
    def rounds(self) -> tuple[RolloutRound, ...]:
        return self.jobs[0].rounds

    @property
    def episodes(self) -> int:
        """How many episodes the arm has, all training seeds together."""
        return len(self.jobs) * len(self.scenes) * sum(each.episodes for each in self.rounds)

    def link(self, checkpoint: Path) -> None:
        """Let a policy stand for all checkpoints."""
        for job in self.jobs:
            for number in self.rounds:
                link = job.paths.pretrained_model(number.round)
                link.parent.mkdir(parents=True)
                link.symlink_to(checkpoint.resolve())
            write_json(job.paths.metrics, {"rounds": []})


def save_random_policy(arm: Arm) -> Path:
    import numpy as np

    from fedarm.policies.checkpoint import save_pretrained
    from fedarm.policies.presets import build_policy, so101_features
    from fedarm.sim.simulation import HOME_DEG

    folder = arm.folder / "random" / "pretrained_model"
    joints = {"mean": np.array(HOME_DEG), "std": np.full(6, 20.0)}
    pixels = {"mean": np.full((3, 1, 1), 0.5), "std": np.full((3, 1, 1), 0.2)}
    moments = {
        "observation.images.front": pixels,
        "observation.state": joints,
        "action": joints,
    }
    policy = build_policy(arm.policy, so101_features(arm.image_size), seed=0)
    save_pretrained(policy, moments, folder)
    return folder


def loop_ratio(checkpoint: Path, arm: Arm) -> float:
    """Return the processor time of LeRobot's loop over that of ours, in this process."""
    from fedarm.rollout.actor import load_actor
    from fedarm.rollout.closed_loop import roll_out
    from fedarm.sim.initial_conditions import InitialConditions
    from fedarm.sim.scene import compile_scene

    place = arm.scenes[0]
    scene = compile_scene(place.task, place.variant)
    conditions = InitialConditions(0, place.task, place.variant)
    roll_out_all = partial(
        roll_out,
        scene,
        [conditions.seed(entry) for entry in range(LOOP_EPISODES)],
        controller=load_actor(checkpoint).controller,
        horizon_steps=scene.task.horizon_steps,
        camera_size=place.camera_size,
    )
    evaluate = prepare_lerobot(checkpoint, place, arm.image_size)
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


def prepare_lerobot(checkpoint: Path, place: Scene, image_size: int):
    """Return a function that evaluates a checkpoint as `lerobot-eval` does, without films."""
    from lerobot.configs.policies import PreTrainedConfig
    from lerobot.envs import make_env, make_env_pre_post_processors
    from lerobot.policies import make_policy, make_pre_post_processors
    from lerobot.scripts.lerobot_eval import eval_policy

    import fedarm.lerobot_plugin  # noqa: F401
    from fedarm.lerobot_plugin.environment import FedarmEnv
    from fedarm.rollout.closed_loop import SLOTS

    env_config = FedarmEnv(
        task=place.task,
        variant=place.variant,
        image_size=image_size,
        camera_size=place.camera_size,
    )
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
        n_episodes=LOOP_EPISODES,
        start_seed=0,
    )


def rates(arm: Arm, checkpoint: Path) -> tuple[Rates, Rates]:
    """Return how fast our job and LeRobot's commands are."""
    jobs, commands = [], []
    for scene in arm.scenes:
        jobs.append(run(job_command(arm)))
        for number in arm.rounds:
            out = arm.folder / scene.dataset / str(number.round)
            command = lerobot_command(arm, checkpoint, scene, number.episodes, out)
            commands.append(run(command))
            info = json.loads((out / "eval_info.json").read_text())
            assert info["overall"]["n_episodes"] == number.episodes
    ours = Rates(arm.episodes, *map(statistics.median, zip(*jobs, strict=True)))
    theirs = Rates(arm.episodes // len(arm.jobs), *map(sum, zip(*commands, strict=True)))
    return ours, theirs


def job_command(arm: Arm) -> list:
    script = Path(__file__).parents[1] / "workflow_scripts" / "rollout_arm.py"
    return [sys.executable, script, "--config", arm.config, "--run", RUN, "--workers", CORES]


def lerobot_command(arm: Arm, checkpoint: Path, scene: Scene, episodes: int, out: Path) -> list:
    from fedarm.rollout.closed_loop import SLOTS

    arguments = {
        "env.discover_packages_path": "fedarm.lerobot_plugin",
        "env.type": "fedarm",
        "env.task": scene.task,
        "env.variant": scene.variant,
        "env.camera_size": scene.camera_size,
        "env.image_size": arm.image_size,
        "env.experiment_seed": arm.seed,
        "policy.path": checkpoint,
        "seed": 0,
        "eval.n_episodes": episodes,
        "eval.batch_size": min(SLOTS, episodes),
        "eval.use_async_envs": "false",
        "output_dir": out,
    }
    command = Path(sys.executable).with_name("lerobot-eval")
    return [command, *(f"--{key}={value}" for key, value in arguments.items())]


def run(command: list) -> tuple[float, float]:
    """Run a command; return its seconds, and its processor seconds with those of its children."""
    start, used = time.perf_counter(), children_cpu_s()
    subprocess.run([str(word) for word in command], check=True, capture_output=True)
    return time.perf_counter() - start, children_cpu_s() - used


def children_cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
