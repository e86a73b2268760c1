"""Fingerprints of episodes: the same and nearly the same episodes are found without their rows.

A digest tells exact copies; a sketch, the smallest of the rows' hashes, tells copies that were trimmed
or extended. Neither says what the values were, so a client can hand them to others.

Source of the sketch: Broder, "On the resemblance and containment of documents", 1997 (bottom-k).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedarm.data.dataset import Dataset

SKETCH_SIZE = 64
# Values are rounded to this many decimals (degrees, percent) first: a copy that went through another
# float format or a statistics script stays a copy.
_DECIMALS = 2
_MIX = (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB)


@dataclass(frozen=True)
class EpisodeFingerprint:
    """What is told of an episode.

    Attributes:
        episode: Its index.
        frames: Its length.
        digest: SHA-256 of its rounded states and actions, in order.
        sketch: The smallest hashes of its distinct rows, sorted.
        distinct: How many distinct rows it has.
    """

    episode: int
    frames: int
    digest: str
    sketch: tuple[int, ...]
    distinct: int


def episode_fingerprints(dataset: Dataset) -> tuple[EpisodeFingerprint, ...]:
    """Return the fingerprint of each episode that has rows, by episode index.

    Args:
        dataset: The dataset, with its rows.
    """
    values = np.hstack([dataset.action, dataset.state]).astype(np.float64)
    # As integers: -0.0 and 0.0 are one value, and NaN, which no integer is, is any other.
    scaled = np.nan_to_num(values * 10**_DECIMALS, nan=2**40, posinf=2**41, neginf=-(2**41))
    rounded = np.rint(scaled).astype(np.int64)
    hashes = _row_hashes(rounded)
    order = np.lexsort((dataset.frame_index, dataset.episode_index))
    borders = np.flatnonzero(np.diff(dataset.episode_index[order])) + 1
    return tuple(
        _fingerprint(int(dataset.episode_index[rows[0]]), rounded[rows], hashes[rows])
        for rows in np.split(order, borders)
        if len(rows)
    )


def shared_rows(one: EpisodeFingerprint, other: EpisodeFingerprint) -> float:
    """Return the share of the shorter episode's distinct rows that the other holds too, estimated.

    Exact when both have no more than `SKETCH_SIZE` distinct rows.
    """
    union = sorted({*one.sketch, *other.sketch})[:SKETCH_SIZE]
    both = set(one.sketch) & set(other.sketch)
    jaccard = sum(value in both for value in union) / max(len(union), 1)
    common = jaccard * (one.distinct + other.distinct) / (1 + jaccard)
    return min(common / max(min(one.distinct, other.distinct), 1), 1.0)


def _row_hashes(rows: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Return a 64-bit hash of each row, the same on every machine (the finaliser of SplitMix64)."""
    state = np.zeros(len(rows), np.uint64)
    for column in rows.T.astype(np.uint64):
        state = (state ^ column) + np.uint64(_MIX[0])
        state = (state ^ (state >> np.uint64(30))) * np.uint64(_MIX[1])
        state = (state ^ (state >> np.uint64(27))) * np.uint64(_MIX[2])
        state ^= state >> np.uint64(31)
    return state


def _fingerprint(
    episode: int, rows: NDArray[np.int64], hashes: NDArray[np.uint64]
) -> EpisodeFingerprint:
    distinct: NDArray[Any] = np.unique(hashes)
    return EpisodeFingerprint(
        episode=episode,
        frames=len(rows),
        digest=hashlib.sha256(np.ascontiguousarray(rows).tobytes()).hexdigest(),
        sketch=tuple(distinct[:SKETCH_SIZE].tolist()),
        distinct=len(distinct),
    )
