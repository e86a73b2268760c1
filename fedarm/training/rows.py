"""Rows of cached datasets: which are trained on, which are held out, and batches of either."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add

import numpy as np
from numpy.typing import NDArray

from fedarm.data.frame_cache import CachedDataset, open_frame_cache
from fedarm.data.split import Split, split_episodes
from fedarm.data.statistics import FeatureSums, sums_of
from fedarm.errors import DataError
from fedarm.policies.presets import PolicyFeatures
from fedarm.settings import DataSource, TrainSettings
from fedarm.training.inputs import Batch

Indices = NDArray[np.int64]


class Rows:
    """Some rows of one or several datasets, one dataset after the other.

    Args:
        parts: Each dataset with its rows `(row,)`.
        chunk_size: Actions that a policy predicts from a row.

    Raises:
        DataError: The datasets differ in their cameras, joints or image sizes.
    """

    def __init__(self, parts: Sequence[tuple[CachedDataset, Indices]], chunk_size: int) -> None:
        _check_same_features([cached for cached, _ in parts])
        self._datasets = [cached for cached, _ in parts]
        # Plain views: a memory map's own class makes each lookup slower.
        self._frames = [np.asarray(cached.frames) for cached in self._datasets]
        self._part = np.repeat(np.arange(len(parts)), [len(rows) for _, rows in parts])
        self._row = np.concatenate([rows for _, rows in parts])
        self._tasks = [np.array(cached.tasks, dtype=object) for cached in self._datasets]
        self._chunk_size = chunk_size

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._row)

    @property
    def cameras(self) -> tuple[str, ...]:
        """Feature keys of the cameras, in the order of a batch's images."""
        return self._datasets[0].cameras

    @property
    def features(self) -> PolicyFeatures:
        """What a policy sees and commands here."""
        return _features_of(self._datasets[0])

    def batch(self, indices: Indices) -> Batch:
        """Return the rows at some positions `(sample,)`, in that order, in physical units."""
        parts, rows = self._part[indices], self._row[indices]
        if len(self._datasets) == 1:
            return self._gather(0, rows)
        joined: Batch | None = None
        for part in np.unique(parts):
            chosen = parts == part
            gathered = self._gather(int(part), rows[chosen])
            if joined is None:
                joined = Batch.empty_like(gathered, len(indices))
            joined.put(chosen, gathered)
        if joined is None:
            raise ValueError("a batch needs at least one index")
        return joined

    def _gather(self, part: int, rows: Indices) -> Batch:
        cached = self._datasets[part]
        actions, is_pad = cached.chunks(rows, self._chunk_size)
        tasks = self._tasks[part][cached.task_index[rows]]
        return Batch(self._frames[part][rows], cached.state[rows], actions, is_pad, tasks)


class TrainRows(Rows):
    """The rows of the train split of one client, or of several clients' pooled.

    Args:
        parts: Each dataset with the episodes of its train split.
        chunk_size: Actions that a policy predicts from a row.

    Raises:
        DataError: The datasets differ in their cameras, joints or image sizes.
    """

    def __init__(
        self, parts: Sequence[tuple[CachedDataset, tuple[int, ...]]], chunk_size: int
    ) -> None:
        super().__init__(
            [(cached, cached.rows_of(episodes)) for cached, episodes in parts], chunk_size
        )
        self._train_parts = tuple(parts)

    def sums(self) -> FeatureSums:
        """Return the sums over these rows: each client's own, added in client order.

        A federated server adds what the clients send in the same order, so it has the same bits.
        """
        return reduce(add, (sums_of(cached, episodes) for cached, episodes in self._train_parts))


def load_features(sources: Sequence[DataSource]) -> PolicyFeatures:
    """Open datasets and return what a policy sees and commands in all of them.

    Raises:
        DataError: A cache is missing or broken, or the datasets differ in their features.
    """
    datasets = [open_frame_cache(source.cache) for source in sources]
    _check_same_features(datasets)
    return _features_of(datasets[0])


def load_train_rows(sources: Sequence[DataSource], chunk_size: int) -> TrainRows:
    """Open datasets and return the rows of their train splits.

    Args:
        sources: The datasets, in client order.
        chunk_size: Actions that a policy predicts from a row.

    Raises:
        DataError: A cache is missing or broken, a dataset has no train split, or the datasets differ in
            their features.
    """
    parts = []
    for source in sources:
        cached = open_frame_cache(source.cache)
        parts.append((cached, _split(source, cached).train))
    return TrainRows(parts, chunk_size)


def load_held_out_rows(source: DataSource, chunk_size: int, *, limit: int) -> Rows:
    """Open a dataset and return rows of its held-out episodes, evenly spaced.

    Args:
        source: The dataset.
        chunk_size: Actions that a policy predicts from a row.
        limit: Rows at most.

    Raises:
        DataError: The cache is missing or broken, or no episode is held out.
    """
    cached, episodes = open_held_out(source)
    rows = cached.rows_of(episodes)
    chosen = np.linspace(0, len(rows) - 1, num=min(limit, len(rows))).round().astype(np.int64)
    return Rows([(cached, rows[chosen])], chunk_size)


def open_held_out(source: DataSource) -> tuple[CachedDataset, tuple[int, ...]]:
    """Open a dataset and return it with the indices of its held-out episodes.

    Raises:
        DataError: The cache is missing or broken, or no episode is held out.
    """
    cached = open_frame_cache(source.cache)
    episodes = _split(source, cached).held_out
    if not episodes:
        raise DataError(
            "no episode is held out, so there is no held-out loss",
            key=f"datasets.{source.name}.held_out",
            value=source.held_out,
            remedy="set it to 1 or more",
        )
    return cached, episodes


def load_evaluated_rows(settings: TrainSettings) -> dict[str, Rows]:
    """Return the held-out rows of the datasets whose loss a run reports, by name.

    Raises:
        DataError: A dataset cannot be read, or holds no episode out.
    """
    limit = settings.training.held_out_rows
    return {
        source.name: load_held_out_rows(source, settings.policy.chunk_size, limit=limit)
        for source in settings.evaluated
    }


def _split(source: DataSource, cached: CachedDataset) -> Split:
    """Return a dataset's split; a pool is only trained on and an unseen set only evaluated."""
    everything = cached.episodes
    if source.held_out == 0:
        return Split(train=everything, held_out=())
    if source.held_out == len(everything):
        return Split(train=(), held_out=everything)
    split = split_episodes(cached.episode_tasks, held_out=source.held_out, seed=source.split_seed)
    return Split(
        train=tuple(everything[position] for position in split.train),
        held_out=tuple(everything[position] for position in split.held_out),
    )


def _features_of(cached: CachedDataset) -> PolicyFeatures:
    return PolicyFeatures(
        state_joints=cached.state.shape[1],
        action_joints=cached.action.shape[1],
        cameras=cached.cameras,
        image_size=cached.frames.shape[2],
    )


def _check_same_features(datasets: Sequence[CachedDataset]) -> None:
    if not datasets:
        raise DataError("there is no dataset", remedy="name at least one")
    for key in ("cameras", "state_names", "action_names"):
        _check_equal(key, datasets, [getattr(cached, key) for cached in datasets])
    _check_equal("image_size", datasets, [cached.frames.shape[2:] for cached in datasets])


def _check_equal(key: str, datasets: Sequence[CachedDataset], values: Sequence[object]) -> None:
    for cached, value in zip(datasets, values, strict=True):
        if value != values[0]:
            raise DataError(
                f"datasets that are trained on together differ: {values[0]!r} in {datasets[0].root}",
                file=cached.root,
                key=key,
                value=value,
                remedy="give all datasets the same joints, cameras and image size",
            )
