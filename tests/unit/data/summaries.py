"""Datasets in memory, and their summaries: clients of one federation, made to disagree by tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fedarm.data.dataset import Dataset, Episode
from fedarm.data.info import ACTION, STATE, DatasetInfo
from fedarm.data.summary import summarize

from .recording import JOINTS

TOP = "observation.images.top"


def dataset(motions, *, fps=30.0, joints=JOINTS, cameras=(TOP,), size=(480, 640)):
    """Return a dataset of `(frame, joint)` motions, one an episode; the state follows the action."""
    action = np.concatenate(motions).astype(np.float32)
    lengths = [len(motion) for motion in motions]
    info = DatasetInfo(
        codebase_version="v3.0",
        fps=fps,
        robot_type="so101_follower",
        state_names=tuple(joints),
        action_names=tuple(joints),
        image_shapes=dict.fromkeys(cameras, (*size, 3)),
        total_episodes=len(motions),
        total_frames=len(action),
    )
    return Dataset(
        root=Path("memory"),
        info=info,
        episodes=tuple(
            Episode(index, length, ("a task",), "data/file.parquet", {})
            for index, length in enumerate(lengths)
        ),
        tasks=("a task",),
        state=np.roll(action, 1, axis=0),
        action=action,
        episode_index=np.repeat(np.arange(len(motions)), lengths),
        frame_index=np.concatenate([np.arange(length) for length in lengths]),
        task_index=np.zeros(len(action), np.int64),
        timestamp=np.concatenate([np.arange(length) / fps for length in lengths]),
    )


def motions(seed, *, episodes=3, frames=60, spread=20.0):
    """Return smooth motions around an SO-101's usual pose, another for each seed."""
    rng = np.random.default_rng(seed)
    time = np.linspace(0, 1, frames)[:, None]
    centre = np.array([0.0, 0.0, 10.0, 75.0, 0.0, 30.0])
    return [
        centre
        + spread * np.sin(2 * np.pi * (time * rng.uniform(0.5, 2, 6) + rng.uniform(size=6)))
        + rng.normal(scale=0.2, size=(frames, 6))
        for _ in range(episodes)
    ]


def summary(name, made=None, *, salt="test", **settings):
    """Return the summary of a dataset; by default motions that nobody else has."""
    found = made if made is not None else motions(sum(name.encode()))
    made_dataset = dataset(found, **settings)
    features = {
        key: {"dtype": "float32", "shape": [len(made_dataset.info.state_names)]}
        for key in (STATE, ACTION)
    }
    return summarize(made_dataset, {"features": features}, name=name, salt=salt)
