"""A client's dataset in a few kilobytes of JSON: what others may know of it, and no row of it.

What a gate needs to say whether clients fit together: features, joints, units, cameras, rate, ranges,
and the salted sketches of the episodes. A client makes it alone (`fedarm data summarize`), reads it,
and passes on the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from fedarm.checked_json import read_checked
from fedarm.data.calibration import Era, declared_era, detect_era
from fedarm.data.dataset import Dataset, open_dataset
from fedarm.data.info import ACTION, STATE, read_info
from fedarm.data.sketches import PUBLIC_SALT, salt_id, sketch_episodes
from fedarm.errors import DataError

SCHEMA_VERSION: Literal[1] = 1

# Bins between a joint's least and greatest value, from which its quantiles are read.
_BINS = 1000
_QUANTILES = (0.01, 0.10, 0.50, 0.90, 0.99)
_DECIMALS = 4


class _Part(BaseModel):
    # A summary comes from someone else's machine: a newer fedarm may have written more.
    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


class Feature(_Part):
    """A feature's kind and shape, without its values."""

    dtype: str
    shape: tuple[int, ...]


class Camera(_Part):
    """A camera's picture, in pixels."""

    height: int
    width: int


class Calibration(_Part):
    """The calibration era of the joints, and how it is known.

    Attributes:
        era: The era, or None when the values fit several.
        declared: Whether the metadata says so; otherwise it is a guess from names and values.
        confident: Whether it is declared, or the values exclude the other eras.
        reason: How it is known.
    """

    era: Era | None
    declared: bool = False
    confident: bool
    reason: str


class JointRange(_Part):
    """How one joint's values are spread, over the finite ones."""

    count: Annotated[int, Field(ge=0)]
    min: float
    max: float
    mean: float
    std: float
    q01: float
    q10: float
    q50: float
    q90: float
    q99: float


class EpisodeSummary(_Part):
    """An episode's length and sketch (`fedarm.data.sketches`)."""

    episode: int
    length: int
    sketch: tuple[str, ...]


class DatasetSummary(_Part):
    """What others may know of a dataset.

    Attributes:
        schema_version: Of this file.
        name: The dataset's name, as findings call it.
        codebase_version: LeRobot's format version.
        robot_type: The robot.
        fps: Frames a second.
        features: All features but the cameras, by key.
        joints: Joint names in the order of the columns, of the state and of the action.
        calibration: Which era's numbers the joints are in.
        cameras: By feature key.
        tasks: Task strings.
        frames: Rows in all.
        ranges: By feature key and joint name.
        salt: Names the salt of the sketches without giving it away.
        episodes: In the order of their indices.
    """

    schema_version: Literal[1]
    name: str
    codebase_version: str
    robot_type: str
    fps: Annotated[float, Field(gt=0)]
    features: Mapping[str, Feature]
    joints: Mapping[str, tuple[str, ...]]
    calibration: Calibration
    cameras: Mapping[str, Camera]
    tasks: tuple[str, ...]
    frames: int
    ranges: Mapping[str, Mapping[str, JointRange]]
    salt: str
    episodes: tuple[EpisodeSummary, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the content of a summary file."""
        return self.model_dump(mode="json")

    @property
    def sketches(self) -> dict[int, tuple[str, ...]]:
        """The sketch of each episode, by episode index."""
        return {episode.episode: episode.sketch for episode in self.episodes}


def summarize_dataset(root: Path, *, name: str, salt: str = PUBLIC_SALT) -> DatasetSummary:
    """Return the summary of a dataset; its videos are not opened.

    Args:
        root: The dataset's folder.
        name: What findings call it.
        salt: What keys the sketches: the same for all clients that are to be compared.

    Raises:
        DataError: Not a dataset, or its metadata or tables cannot be read.
    """
    return summarize(open_dataset(root), read_info(root), name=name, salt=salt)


def summarize(
    dataset: Dataset, raw_info: Mapping[str, Any], *, name: str, salt: str = PUBLIC_SALT
) -> DatasetSummary:
    """Return the summary of an opened dataset.

    Args:
        dataset: The dataset.
        raw_info: The content of its `meta/info.json`.
        name: As in `summarize_dataset`.
        salt: As in `summarize_dataset`.
    """
    info = dataset.info
    joints = {STATE: info.state_names, ACTION: info.action_names}
    values = {STATE: dataset.state, ACTION: dataset.action}
    sketches = sketch_episodes(dataset, salt=salt)
    return DatasetSummary(
        schema_version=SCHEMA_VERSION,
        name=name,
        codebase_version=info.codebase_version,
        robot_type=info.robot_type,
        fps=info.fps,
        features=_features(raw_info["features"], info.cameras),
        joints=joints,
        calibration=_calibration(dataset, raw_info),
        cameras={
            key: Camera(height=shape[0], width=shape[1])
            for key, shape in sorted(info.image_shapes.items())
        },
        tasks=tuple(sorted(set(dataset.tasks))),
        frames=len(dataset.episode_index),
        ranges={key: _ranges(values[key], joints[key]) for key in (STATE, ACTION)},
        salt=salt_id(salt),
        episodes=tuple(
            EpisodeSummary(
                episode=episode.index,
                length=episode.length,
                sketch=sketches[episode.index],
            )
            for episode in dataset.episodes
        ),
    )


def read_summary(file: Path) -> DatasetSummary:
    """Read a summary that `fedarm data summarize` wrote, on this machine or on another.

    Raises:
        DataError: It is no summary, or of another schema version.
        ResultsError: The file is missing or not JSON.
    """
    return read_checked(
        DatasetSummary,
        file,
        problem=f"not a summary of schema version {SCHEMA_VERSION}",
        remedy="write it again with `fedarm data summarize PATH --out FILE`",
        error=DataError,
    )


def joint_range(values: NDArray[np.float32]) -> JointRange | None:
    """Return how values `(frame,)` are spread, or None when none is finite.

    Quantiles are read from a histogram, so that no single row's value stands in them.
    """
    finite = values[np.isfinite(values)].astype(np.float64)
    if not len(finite):
        return None
    low, high = float(finite.min()), float(finite.max())
    counts, edges = np.histogram(finite, bins=_BINS, range=(low, high))
    cumulative = np.concatenate([[0.0], np.cumsum(counts) / len(finite)])
    # Of equal shares the last: a quantile lies where the share begins to rise beyond it.
    quantiles = np.interp(_QUANTILES, cumulative, edges) if high > low else [low] * len(_QUANTILES)
    mean = finite.sum() / len(finite)
    variance = max((finite**2).sum() / len(finite) - mean**2, 0.0)
    numbers = (low, high, mean, np.sqrt(variance), *quantiles)
    rounded = [round(float(number), _DECIMALS) for number in numbers]
    keys = ("min", "max", "mean", "std", "q01", "q10", "q50", "q90", "q99")
    return JointRange(count=len(finite), **dict(zip(keys, rounded, strict=True)))


def _ranges(values: NDArray[np.float32], joints: tuple[str, ...]) -> dict[str, JointRange]:
    found = {joint: joint_range(values[:, column]) for column, joint in enumerate(joints)}
    return {joint: spread for joint, spread in found.items() if spread is not None}


def _features(features: Mapping[str, Any], cameras: tuple[str, ...]) -> dict[str, Feature]:
    return {
        key: Feature(dtype=str(feature.get("dtype")), shape=tuple(feature.get("shape") or ()))
        for key, feature in sorted(features.items())
        if key not in cameras
    }


def _calibration(dataset: Dataset, raw_info: Mapping[str, Any]) -> Calibration:
    names = dataset.info.state_names
    declared = declared_era(raw_info, names)
    if declared is not None:
        return Calibration(
            era=declared, declared=True, confident=True, reason="meta/info.json declares it"
        )
    # The state tells more than the action: a command may ask for what the arm cannot reach.
    guess = detect_era(names, dataset.state)
    return Calibration(era=guess.era, confident=guess.confident, reason=guess.reason)
