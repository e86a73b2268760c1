"""What a check is, what it looks at and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from fedarm.data.dataset import Dataset
from fedarm.data.decoding import count_frames
from fedarm.errors import DataError
from fedarm.registry import Registry

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class Evidence:
    """One place where a check found something.

    Attributes:
        message: What is wrong there.
        episode: The episode index, when it is about one.
        frame: The frame index in that episode.
        column: The column, feature key or file.
        value: What was found.
    """

    message: str
    episode: int | None = None
    frame: int | None = None
    column: str | None = None
    value: float | int | str | None = None


@dataclass(frozen=True)
class VideoFile:
    """The outcome of decoding one video from its first to its last frame."""

    frames: int
    error: str | None


@dataclass(frozen=True)
class Subject:
    """What checks look at: the dataset, and its videos, which are decoded once for all checks."""

    dataset: Dataset

    @cached_property
    def videos(self) -> Mapping[str, VideoFile]:
        """Each declared video file, by its path below the dataset's root."""
        files = {span.file for episode in self.dataset.episodes for span in episode.videos.values()}
        return {file: self._decode(file) for file in sorted(files)}

    def _decode(self, file: str) -> VideoFile:
        try:
            return VideoFile(frames=count_frames(self.dataset.root / file), error=None)
        except DataError as error:
            return VideoFile(frames=0, error=str(error).splitlines()[0])


Find = Callable[[Subject], Iterable[Evidence]]


@dataclass(frozen=True)
class Check:
    """A registered check.

    Attributes:
        severity: `error` when training on such data would be wrong, `warning` when it may be.
        measures: What is measured, in one sentence.
        remedy: What to do about a finding.
        find: Yields one `Evidence` a place.
    """

    severity: Severity
    measures: str
    remedy: str
    find: Find


CHECKS: Registry[Check] = Registry("check")


def check(name: str, *, severity: Severity, measures: str, remedy: str) -> Callable[[Find], Find]:
    """Return a decorator that registers a function as a check.

    Args:
        name: The check's id.
        severity: As in `Check`.
        measures: As in `Check`.
        remedy: As in `Check`.
    """

    def decorate(find: Find) -> Find:
        CHECKS.register(name)(Check(severity, measures, remedy, find))
        return find

    return decorate
