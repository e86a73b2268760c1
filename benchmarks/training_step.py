"""A training step over the same step on synthetic tensors: figure `training_step`, at most 1.05.

The real step gathers a batch from the frame caches of four pooled clients, normalises it, seeds its
draws, sets its learning rate, and updates the lab's policy; every tenth also measures how far the
weights have moved. The synthetic one is the least that PyTorch can do: forward, backward, clip and
AdamW on tensors that are there already. The two alternate, and the figure is the median over the
pairs, so that a busy machine slows both alike.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from fedarm.config_policies import Policy
from fedarm.config_training import Training
from fedarm.data.frame_cache import CachedDataset
from fedarm.experiment import load_experiment
from fedarm.policies.normalization import Normalizer
from fedarm.policies.presets import build_policy
from fedarm.settings import TrainSettings
from fedarm.training.device import prepare_torch
from fedarm.training.inputs import policy_inputs
from fedarm.training.loop import LocalTrainer
from fedarm.training.rows import TrainRows
from fedarm.training_jobs import train_settings

EPISODES = 40
EPISODE_FRAMES = 36
JOINTS = tuple(f"joint_{index}.pos" for index in range(6))
CAMERA = "observation.images.front"
BLOCKS = 30
STEPS_A_BLOCK = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, default=Path("config.yaml"))
    args = parser.parse_args()
    device = prepare_torch()
    experiment = load_experiment(args.config)
    central = next(run for run in experiment.runs if run.kind == "central")
    settings = train_settings(experiment, central)
    with tempfile.TemporaryDirectory() as name:
        rows = make_rows(Path(name), len(settings.sources), settings.policy)
        real = real_block(settings, rows, device)
        synthetic = synthetic_block(settings, rows, device)
        times = measure(real, synthetic)
    for label, seconds in times.items():
        print(f"{label}_step_ms: {1000 * np.median(seconds) / STEPS_A_BLOCK:.2f}")
    samples = settings.training.batch_size * STEPS_A_BLOCK
    print(f"samples_per_s: {samples / np.median(times['real']):.0f}")
    print(f"training_step: {np.median(times['real'] / times['synthetic']):.3f}")


def make_rows(folder: Path, clients: int, policy: Policy) -> TrainRows:
    episodes = tuple(range(EPISODES))
    parts = [
        (make_dataset(folder / str(client), client, policy.image_size), episodes)
        for client in range(clients)
    ]
    return TrainRows(parts, policy.chunk_size)


def make_dataset(folder: Path, seed: int, image_size: int) -> CachedDataset:
    """Noise, of the lab's size, with its pixels on disk as a frame cache has them."""
    folder.mkdir()
    rng = np.random.default_rng(seed)
    count = EPISODES * EPISODE_FRAMES
    shape = (count, 1, image_size, image_size, 3)
    written = open_memmap(folder / "frames.npy", mode="w+", dtype=np.uint8, shape=shape)
    written[:] = rng.integers(0, 256, shape, dtype=np.uint8)
    written.flush()
    state = rng.normal(0, 30, (count, len(JOINTS))).astype(np.float32)
    return CachedDataset(
        root=folder,
        fps=10,
        robot_type="so101_follower",
        cameras=(CAMERA,),
        state_names=JOINTS,
        action_names=JOINTS,
        tasks=("move",),
        frames=np.load(folder / "frames.npy", mmap_mode="r"),
        state=state,
        action=state + rng.normal(0, 3, state.shape).astype(np.float32),
        episode_index=np.repeat(np.arange(EPISODES), EPISODE_FRAMES),
        frame_index=np.tile(np.arange(EPISODE_FRAMES), EPISODES),
        task_index=np.zeros(count, dtype=np.int64),
        timestamp=np.tile(np.arange(EPISODE_FRAMES) / 10, EPISODES),
    )


def real_block(
    settings: TrainSettings, rows: TrainRows, device: torch.device
) -> Callable[[int], None]:
    steps = BLOCKS * STEPS_A_BLOCK
    trainer = LocalTrainer(
        build_policy(settings.policy, rows.features, seed=0).to(device),
        rows,
        settings=settings,
        statistics=rows.sums().statistics(),
        clients=settings.run.clients,
        round_number=1,
        rounds=1,
        steps=steps,
    )

    def block(number: int) -> None:
        trainer.run(number * STEPS_A_BLOCK, (number + 1) * STEPS_A_BLOCK)

    return block


def synthetic_block(
    settings: TrainSettings, rows: TrainRows, device: torch.device
) -> Callable[[int], None]:
    training: Training = settings.training
    policy = build_policy(settings.policy, rows.features, seed=0).to(device)
    optimizer = torch.optim.AdamW(
        policy.parameters(), training.lr, weight_decay=training.weight_decay, fused=True
    )
    normalizer = Normalizer(rows.sums().statistics(), cameras=rows.cameras, device=device)
    inputs = policy_inputs(rows.batch(np.arange(training.batch_size)), normalizer)

    def block(_: int) -> None:
        for _ in range(STEPS_A_BLOCK):
            optimizer.zero_grad(set_to_none=True)
            loss, _ = policy.forward(inputs)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(policy.parameters(), training.grad_clip_norm)
            optimizer.step()

    return block


def measure(
    real: Callable[[int], None], synthetic: Callable[[int], None]
) -> dict[str, NDArray[np.float64]]:
    """Return the seconds of each block `(block,)`, without the first, which warms up."""
    times: dict[str, list[float]] = {"real": [], "synthetic": []}
    for number in range(BLOCKS):
        for label, block in (("synthetic", synthetic), ("real", real)):
            start_s = time.perf_counter()
            block(number)
            times[label].append(time.perf_counter() - start_s)
    return {label: np.array(values[1:]) for label, values in times.items()}


if __name__ == "__main__":
    main()
