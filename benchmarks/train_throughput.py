"""Samples a second in training: figures `against_lerobot_train` and `against_synthetic` (at least 0.95).

The policy of the lab is trained on a recorded dataset of the lab's: by fedarm's loop from the frame
cache, and by `lerobot-train` from the same dataset, the same weights, and the same batch size. The
latter is run twice, for few and for more steps, and the difference counts, so that its start does not;
without workers and with two, and the better counts. `against_synthetic` is the speed of fedarm's step
over the least that PyTorch can do, the same step on tensors that are there already; the two alternate.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from training_step import STEPS_A_BLOCK, measure, real_block, synthetic_block

from fedarm.data.frame_cache import build_frame_cache, open_frame_cache
from fedarm.experiment import load_experiment
from fedarm.policies.checkpoint import save_pretrained
from fedarm.policies.presets import build_policy
from fedarm.settings import TrainSettings
from fedarm.training.device import prepare_torch
from fedarm.training.rows import TrainRows
from fedarm.training_jobs import train_settings

EPISODES = 24
FEW_STEPS, MORE_STEPS = 5, 35
WORKERS = (0, 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, default=Path("config.yaml"))
    args = parser.parse_args()
    device = prepare_torch()
    experiment = load_experiment(args.config)
    central = next(run for run in experiment.runs if run.kind == "central")
    settings = train_settings(experiment, central)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = record(folder, settings)
        # The pooled rows of one client, so that both train on the same frames.
        settings = replace(settings, run=replace(settings.run, clients=("pickplace",)))
        times = measure(real_block(settings, rows, device), synthetic_block(settings, rows, device))
        save_start(folder / "start", settings, rows)
        stock = max(lerobot_samples_per_s(folder, settings, workers) for workers in WORKERS)
    ours = settings.training.batch_size * STEPS_A_BLOCK / np.median(times["real"])
    print(f"fedarm_samples_per_s: {ours:.0f}")
    print(f"lerobot_train_samples_per_s: {stock:.1f}")
    print(f"against_lerobot_train: {ours / stock:.1f}")
    print(f"against_synthetic: {np.median(times['synthetic'] / times['real']):.3f}")


def record(folder: Path, settings: TrainSettings) -> TrainRows:
    """Record a dataset at the size that the policy sees, and return its rows."""
    from fedarm.sim.recording import record_dataset

    size = settings.policy.image_size
    record_dataset(
        folder / "dataset",
        tasks=["pickplace"],
        variants=["standard"],
        episodes=EPISODES,
        seed=0,
        image_size=size,
        workers=1,
    )
    build_frame_cache(folder / "dataset", folder / "cache", image_size=size)
    cached = open_frame_cache(folder / "cache")
    return TrainRows([(cached, cached.episodes)], settings.policy.chunk_size)


def save_start(folder: Path, settings: TrainSettings, rows: TrainRows) -> None:
    policy = build_policy(settings.policy, rows.features, seed=0)
    save_pretrained(policy, rows.sums().statistics(), folder)


def lerobot_samples_per_s(folder: Path, settings: TrainSettings, workers: int) -> float:
    seconds = [
        lerobot_seconds(folder, settings, workers=workers, steps=steps)
        for steps in (FEW_STEPS, MORE_STEPS)
    ]
    steps = MORE_STEPS - FEW_STEPS
    return steps * settings.training.batch_size / (seconds[1] - seconds[0])


def lerobot_seconds(folder: Path, settings: TrainSettings, *, workers: int, steps: int) -> float:
    """Return the wall time of a whole `lerobot-train`, its start included."""
    command = [
        str(Path(sys.executable).with_name("lerobot-train")),
        "--env.discover_packages_path=fedarm.policies",
        f"--policy.path={folder / 'start'}",
        "--policy.push_to_hub=false",
        "--dataset.repo_id=fedarm/benchmark",
        f"--dataset.root={folder / 'dataset'}",
        "--dataset.video_backend=pyav",
        f"--batch_size={settings.training.batch_size}",
        f"--num_workers={workers}",
        f"--steps={steps}",
        "--save_checkpoint=false",
        "--env_eval_freq=0",
        "--wandb.enable=false",
        f"--output_dir={folder / f'lerobot_{workers}_{steps}'}",
    ]
    offline = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    start_s = time.perf_counter()
    done = subprocess.run(
        command, env={**os.environ, **offline}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"lerobot-train failed:\n{done.stderr[-4000:]}")
    return time.perf_counter() - start_s


if __name__ == "__main__":
    main()
