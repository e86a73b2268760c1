"""Salted sketches of episodes: do two people hold the same one? Answered without showing a row.

A sketch is a handful of keyed digests of short stretches of motion. Two copies of an episode share most
of them, also when one was trimmed, renumbered, merged into another dataset, encoded anew or converted
between the eras that count in degrees: only the sizes of the steps from frame to frame enter, and those
conversions shift and mirror joints. What rescales joints or drops every other frame hides a copy from
it.

Source: A. Broder, On the resemblance and containment of documents (1997): shingles, and the smallest of
their hashes as a sketch.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fedarm.data.dataset import Dataset

# Known to everyone, so that summaries made anywhere can be compared. A federation that wants nobody
# else to test whether a client holds a given episode agrees on a salt of its own.
PUBLIC_SALT = "fedarm"

# Steps a stretch; long enough that two people do not repeat one by chance.
_SHINGLE_STEPS = 8
# Digests kept an episode.
_SKETCH = 16
# A step is rounded to this many units (degrees, percent): far above the rounding of 32-bit floats.
_RESOLUTION = 0.01
# A stretch with fewer moving values than this stands still, which looks the same everywhere.
_MOVING_VALUES = 12
# Share of the digests that two episodes must have in common to be one.
_SAME_SHARE = 0.25
_DIGEST_BYTES = 8

Sketch = tuple[str, ...]


@dataclass(frozen=True)
class SharedEpisode:
    """An episode that stands in two places.

    Attributes:
        first: Its index in the first.
        second: Its index in the second.
        share: Digests in common, as a share of the smaller sketch.
    """

    first: int
    second: int
    share: float


def sketch_episodes(dataset: Dataset, *, salt: str = PUBLIC_SALT) -> dict[int, Sketch]:
    """Return the sketch of each episode, by episode index.

    Args:
        dataset: The dataset; only its states and actions are read.
        salt: What keys the digests; only sketches of one salt can be compared.
    """
    values = np.concatenate([dataset.state, dataset.action], axis=1)
    key = hashlib.sha256(salt.encode()).digest()
    return {
        episode.index: sketch_of(values[dataset.episode_index == episode.index], key=key)
        for episode in dataset.episodes
    }


def salt_id(salt: str) -> str:
    """Return a name for a salt that does not give it away, to tell summaries of two salts apart."""
    return hashlib.sha256(b"salt:" + salt.encode()).hexdigest()[:12]


def sketch_of(values: NDArray[np.float32], *, key: bytes) -> Sketch:
    """Return the sketch of one episode; empty when nothing moves in it.

    Args:
        values: `(frame, value)`: states and actions.
        key: Key of the digests, at most 64 bytes.
    """
    exact = np.nan_to_num(values.astype(np.float64), posinf=0.0, neginf=0.0)
    steps = np.rint(np.abs(np.diff(exact, axis=0)) / _RESOLUTION).astype(np.int64)
    digests = {
        hashlib.blake2b(stretch.tobytes(), key=key, digest_size=_DIGEST_BYTES).hexdigest()
        for stretch in _stretches(steps)
        if np.count_nonzero(stretch) >= min(_MOVING_VALUES, stretch.size)
    }
    return tuple(sorted(digests)[:_SKETCH])


def shared_episodes(
    first: Mapping[int, Sequence[str]], second: Mapping[int, Sequence[str]]
) -> list[SharedEpisode]:
    """Return the pairs of episodes, one from each side, that are the same, sorted.

    Args:
        first: Sketches by episode index.
        second: Likewise, of the same salt. Given the same mapping twice, each pair comes twice and each
            episode once with itself.
    """
    holders: dict[str, list[int]] = defaultdict(list)
    for episode, sketch in first.items():
        for digest in sketch:
            holders[digest].append(episode)
    common: dict[tuple[int, int], int] = defaultdict(int)
    for episode, sketch in second.items():
        for digest in sketch:
            for holder in holders.get(digest, ()):
                common[holder, episode] += 1
    found = []
    for (a, b), count in sorted(common.items()):
        share = count / min(len(first[a]), len(second[b]))
        if share >= _SAME_SHARE:
            found.append(SharedEpisode(first=a, second=b, share=share))
    return found


def _stretches(steps: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    if not len(steps):
        return
    # An episode shorter than a stretch is one.
    for start in range(max(len(steps) - _SHINGLE_STEPS, 0) + 1):
        yield np.ascontiguousarray(steps[start : start + _SHINGLE_STEPS])
