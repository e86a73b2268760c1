"""Frame caches of made-up recordings, and a small experiment on them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from fedarm.data.frame_cache import SCHEMA_VERSION
from fedarm.experiment import Experiment, parse_experiment
from fedarm.paths import write_json
from fedarm.provenance import digest_file
from fedarm.settings import TrainSettings
from fedarm.training_jobs import train_settings

IMAGE_SIZE = 32
JOINTS = 6
CAMERA = "observation.images.front"
EPISODE_FRAMES = 6
TINY_POLICY = {
    "image_size": IMAGE_SIZE,
    "chunk_size": 4,
    "n_action_steps": 2,
    "dim_model": 16,
    "n_heads": 2,
    "dim_feedforward": 32,
    "n_encoder_layers": 1,
    "dropout": 0.1,
}


def write_cache(
    folder: Path,
    *,
    episodes: int = 4,
    seed: int = 0,
    camera: str = CAMERA,
    offset: float = 0.0,
    task: str = "move",
) -> None:
    """Write a cache of episodes that each stay near one pose."""
    rng = np.random.default_rng(seed)
    count = episodes * EPISODE_FRAMES
    brightness = rng.integers(0, 200, count)
    noise = rng.integers(0, 55, (count, 1, IMAGE_SIZE, IMAGE_SIZE, 3))
    poses = rng.normal(offset, 20, (episodes, JOINTS)).repeat(EPISODE_FRAMES, axis=0)
    state = (poses + rng.normal(0, 1, poses.shape)).astype(np.float32)
    folder.mkdir(parents=True)
    frames = (brightness[:, None, None, None, None] + noise).astype(np.uint8)
    np.save(folder / "frames.npy", frames)
    np.savez(
        folder / "columns.npz",
        state=state,
        action=(state + 0.1 * brightness[:, None]).astype(np.float32),
        episode_index=np.repeat(np.arange(episodes), EPISODE_FRAMES),
        frame_index=np.tile(np.arange(EPISODE_FRAMES), episodes),
        task_index=np.zeros(count, np.int64),
        timestamp=np.tile(np.arange(EPISODE_FRAMES) / 10, episodes),
    )
    joints = [f"joint_{index}.pos" for index in range(JOINTS)]
    write_json(
        folder / "manifest.json",
        {
            "schema_version": SCHEMA_VERSION,
            "fps": 10,
            "robot_type": "so101_follower",
            "cameras": [camera],
            "state_names": joints,
            "action_names": joints,
            "tasks": [task],
            "frames_shape": list(frames.shape),
            "frames_bytes": (folder / "frames.npy").stat().st_size,
            "frames_sha256": digest_file(folder / "frames.npy"),
            "columns_sha256": digest_file(folder / "columns.npz"),
        },
    )


def make_experiment(raw: dict[str, Any], root: Path) -> Experiment:
    """Return an experiment in `root` with a cache of each of its datasets."""
    experiment = parse_experiment(
        {"policy": TINY_POLICY, **raw, "results_dir": str(root)}, source="test"
    )
    for seed, name in enumerate(experiment.datasets):
        section = experiment.dataset(name)
        episodes = section.episodes * len(section.tasks) * len(section.variants)
        write_cache(
            experiment.frame_cache(name),
            episodes=episodes,
            seed=seed,
            offset=10.0 * seed,
            task=f"Move to the {name} box.",
        )
    return experiment


def settings_of(experiment: Experiment, name: str, seed: int) -> TrainSettings:
    """Return the settings of a run by its folder."""
    return train_settings(experiment, experiment.run(name, seed))


def moved(settings: TrainSettings, root: Path) -> TrainSettings:
    """Return the same settings with other places for checkpoints and metrics."""
    return replace(settings, checkpoints=root / "checkpoints", metrics=root / "metrics.json")
