"""Wall time of federated over central training at equal samples: `federated_overhead`, at most 1.05.

Both train the policy of the lab from the same start on the same recordings, with the default number of
steps a client and round, a checkpoint and held-out losses each round, and all their loading and saving.
The two alternate, and the figure is the median over the pairs, so that a busy machine slows both alike;
the same ratio of processor times is printed too, which other work on the machine sways less. There are
fewer rounds than in the lab, so what a run costs once weighs more here than there.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from fedarm.config import Config, read_config
from fedarm.data.frame_cache import build_frame_cache
from fedarm.experiment import Experiment
from fedarm.federated.run import train_federated
from fedarm.settings import TrainSettings
from fedarm.training.arms import train_base, train_pooled
from fedarm.training.device import prepare_torch
from fedarm.training_jobs import train_settings

EPISODES = 12
HELD_OUT = 4
ROUNDS = 4
REPEATS = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, default=Path("config.yaml"))
    args = parser.parse_args()
    prepare_torch()
    with tempfile.TemporaryDirectory() as name:
        experiment = Experiment(shrunk(read_config(args.config), Path(name)))
        for dataset in experiment.datasets:
            record(experiment, dataset)
        train_base(train_settings(experiment, experiment.base_run))
        times = measure(experiment, Path(name))
    for kind, clocks_s in times.items():
        print(f"{kind}_s: {np.median(clocks_s[:, 0]):.2f}")
    overhead, cpu_overhead = np.median(times["federated"] / times["central"], axis=0)
    print(f"federated_overhead_cpu: {cpu_overhead:.3f}")
    print(f"federated_overhead: {overhead:.3f}")


def shrunk(config: Config, root: Path) -> Config:
    """Return the experiment on few recordings, with few rounds, each as long as its own."""
    raw: dict[str, Any] = config.model_dump(mode="json")
    for name in (*config.clients, *config.unseen):
        raw["datasets"][name] |= {"episodes": EPISODES, "held_out": HELD_OUT}
    raw |= {"results_dir": str(root), "base": {"kind": "none"}}
    raw["training"]["samples"] = config.training.samples * ROUNDS // config.federation.rounds
    raw["federation"]["rounds"] = ROUNDS
    return Config.model_validate(raw)


def record(experiment: Experiment, dataset: str) -> None:
    from fedarm.sim.recording import record_dataset

    paths = experiment.dataset_paths(dataset)
    section = experiment.dataset(dataset)
    record_dataset(
        paths.dataset,
        tasks=section.tasks,
        variants=section.variants,
        episodes=section.episodes,
        seed=experiment.dataset_seed(dataset),
        image_size=section.image_size,
        workers=1,
    )
    cache = experiment.frame_cache(dataset)
    build_frame_cache(paths.dataset, cache, image_size=experiment.config.policy.image_size)


def measure(experiment: Experiment, root: Path) -> dict[str, np.ndarray]:
    """Return the seconds of each run, of the wall clock and of the processor: `(repeat, clock)`."""
    trainers: dict[str, Callable[[TrainSettings], None]] = {
        "central": train_pooled,
        "federated": train_federated,
    }
    runs = {kind: next(run for run in experiment.runs if run.kind == kind) for kind in trainers}
    times: dict[str, list[np.ndarray]] = {kind: [] for kind in trainers}
    for repeat in range(REPEATS):
        for kind, train in trainers.items():
            folder = root / f"{kind}_{repeat}"
            settings = replace(
                train_settings(experiment, runs[kind]),
                checkpoints=folder / "checkpoints",
                metrics=folder / "metrics.json",
            )
            start_s = clocks()
            train(settings)
            times[kind].append(clocks() - start_s)
    return {kind: np.stack(clocks_s) for kind, clocks_s in times.items()}


def clocks() -> np.ndarray:
    """Return the wall clock and this process's processor time, in seconds."""
    return np.array([time.perf_counter(), time.process_time()])


if __name__ == "__main__":
    main()
