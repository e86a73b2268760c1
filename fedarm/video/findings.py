"""What can be wrong with a video, and how it is said."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Kinds of findings, and what each means.
KINDS = {
    "undecodable": "no video, or damaged",
    "truncated": "it ends before it should",
    "wrong_extension": "another container than its name says",
    "record": "the JSON beside it cannot be used",
    "short": "it ends before the episode that its record describes",
    "single_frame": "one frame only: no motion can be measured",
    "variable_rate": "the time between frames varies",
    "black": "black frames",
    "repeated": "the same frame again while everything moves",
    "dropped": "frames are missing",
    "shuffled": "frames are not in the order in which they were taken",
    "cut": "another picture from one frame to the next",
    "jump": "the picture leaps",
    "frozen": "commands move the arm, and nothing moves in the picture",
}


@dataclass(frozen=True)
class Finding:
    """Something wrong with a video.

    Attributes:
        kind: One of `KINDS`.
        message: What was found, for people.
        first_frame: Where, counted from 0; None when it is about the whole file.
        frames: How many frames it is about.
    """

    kind: str
    message: str
    first_frame: int | None = None
    frames: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the finding's fields."""
        return asdict(self)


def stretches(flags: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """Yield first index and length of each run of true flags."""
    edges = np.flatnonzero(np.diff(np.r_[False, flags, False].astype(np.int8)))
    for first, end in edges.reshape(-1, 2):
        yield int(first), int(end - first)
