"""What a tracker of experiments must do to be fed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from fedarm.tracking.history import History


class Stream(Protocol):
    """One training of one run in a tracker."""

    def write(self, number: int, values: Mapping[str, float]) -> None:
        """Show the numbers of a round; each round once, in their order."""

    def close(self) -> None:
        """Let the tracker finish what it has been told."""


class Sink(Protocol):
    """A tracker.

    Attributes:
        label: What messages call it.
    """

    label: str

    def open(self, history: History) -> Stream:
        """Begin to show a training from its first round.

        What an earlier process has shown of the same training is replaced or gone on with, so that no
        round is there twice.
        """
