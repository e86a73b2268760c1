"""Samples a second from the frame cache, over LeRobot's own DataLoader: figure `loader`, at least 50.

Both give random batches of 64 samples: an image (uint8), a state, an action chunk and its padding, of
the same dataset; that they give the same is asserted first. LeRobot's loader is measured without
workers and with two, and the better counts. The dataset is that of the lab, recorded into a temporary
folder.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from torch.utils.data import DataLoader, RandomSampler

from fedarm.data.frame_cache import CachedDataset, build_frame_cache, open_frame_cache

BATCH = 64
HORIZON = 16
EPISODES = 40
IMAGE_SIZE = 64
REPEATS = 3
STOCK_BATCHES = 8
CACHED_BATCHES = 400


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        record(folder / "dataset")
        build_frame_cache(folder / "dataset", folder / "cache", image_size=IMAGE_SIZE)
        cached = open_frame_cache(folder / "cache")
        stock = open_stock(folder / "dataset", cached)
        assert_same_samples(stock, cached)
        ratios, rates = measure(stock, cached)
    for label, rate in rates.items():
        print(f"{label}_samples_per_s: {rate:.0f}")
    print(f"loader: {np.median(ratios):.1f}")


def record(root: Path) -> None:
    from fedarm.sim.recording import record_dataset

    record_dataset(
        root,
        tasks=["pickplace"],
        variants=["standard"],
        episodes=EPISODES,
        seed=0,
        image_size=IMAGE_SIZE,
        workers=1,
    )


def open_stock(root: Path, cached: CachedDataset) -> torch.utils.data.Dataset:
    from lerobot.datasets.lerobot_dataset import LeRobotDataset

    return LeRobotDataset(
        "fedarm/benchmark",
        root=root,
        delta_timestamps={"action": [step / cached.fps for step in range(HORIZON)]},
        video_backend="pyav",
        return_uint8=True,
    )


def assert_same_samples(stock: torch.utils.data.Dataset, cached: CachedDataset) -> None:
    rows = np.random.default_rng(0).choice(len(cached), size=BATCH, replace=False)
    chunks, is_pad = cached.chunks(rows, HORIZON)
    for position, row in enumerate(rows):
        item = stock[int(row)]
        pixels = item[cached.cameras[0]].permute(1, 2, 0).numpy()
        np.testing.assert_array_equal(cached.frames[row, 0], pixels)
        np.testing.assert_array_equal(cached.state[row], item["observation.state"].numpy())
        np.testing.assert_array_equal(chunks[position], item["action"].numpy())
        np.testing.assert_array_equal(is_pad[position], item["action_is_pad"].numpy())


def measure(
    stock: torch.utils.data.Dataset, cached: CachedDataset
) -> tuple[list[float], dict[str, float]]:
    """Alternate the loaders, so that a busy machine slows all of them alike."""
    ratios = []
    rates: dict[str, float] = {}
    for _ in range(REPEATS):
        for workers in (0, 2):
            batches = stock_batches(stock, workers)
            rates[f"stock_{workers}_workers"] = samples_per_s(batches, STOCK_BATCHES)
        rates["cached"] = samples_per_s(cached_batches(cached), CACHED_BATCHES)
        best_stock = max(rate for label, rate in rates.items() if label.startswith("stock"))
        ratios.append(rates["cached"] / best_stock)
    return ratios, rates


def stock_batches(stock: torch.utils.data.Dataset, workers: int) -> Iterator[dict]:
    # One long epoch, so that no worker is started again while the clock runs.
    sampler = RandomSampler(stock, replacement=True, num_samples=(STOCK_BATCHES + 1) * BATCH)
    yield from DataLoader(stock, batch_size=BATCH, sampler=sampler, num_workers=workers)


def cached_batches(cached: CachedDataset) -> Iterator[dict[str, torch.Tensor]]:
    rng = np.random.default_rng(0)
    while True:
        rows = rng.integers(len(cached), size=BATCH)
        chunks, is_pad = cached.chunks(rows, HORIZON)
        yield {
            "image": torch.from_numpy(cached.frames[rows, 0]),
            "observation.state": torch.from_numpy(cached.state[rows]),
            "action": torch.from_numpy(chunks),
            "action_is_pad": torch.from_numpy(is_pad),
        }


def samples_per_s(batches: Iterator[dict], count: int) -> float:
    next(batches)  # starts the workers
    start_s = time.perf_counter()
    for _ in range(count):
        next(batches)
    return count * BATCH / (time.perf_counter() - start_s)


if __name__ == "__main__":
    main()
