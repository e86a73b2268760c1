"""Checks of the stored statistics against the rows: what a policy is normalised with."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from fedarm.data.checks.finding import Evidence, check
from fedarm.data.checks.subject import Subject
from fedarm.data.info import ACTION, STATE

QUANTILES = ("q01", "q10", "q50", "q90", "q99")
_STATS = "meta/stats.json"
_NAMES = ("mean", "std", "min", "max", "count")
# Relative to the joint's deviation: sums in single precision agree within it, another set does not.
_TOLERANCE = 0.02
_ABSOLUTE = 1e-2
_ENOUGH_FOR_CONSTANT = 3
_IMAGE_TOLERANCE = 0.1
_LUMA = np.array([0.299, 0.587, 0.114])

Array = NDArray[np.float64]


@check(
    "stored_statistics",
    severity="warning",
    measures="meta/stats.json and the episodes' statistics against the rows; quantiles; deviations of 0",
    remedy="compute them again, from the train split (hotfix recompute_statistics)",
    same_as=("lerobot-doctor statistics", "lerobot-doctor training"),
)
def find_stored_statistics(subject: Subject) -> Iterator[Evidence]:
    """Compare every stored number of states and actions with the rows.

    Statistics of a part of the rows may differ from those of all by no more than a part can.
    """
    stored, problem = _read(subject)
    if problem is not None:
        yield problem
    else:
        for key in (STATE, ACTION):
            yield from _feature(subject, key, stored.get(key))
        yield from _cameras(subject, stored)
    yield from _per_episode(subject)


def _read(subject: Subject) -> tuple[Mapping[str, Any], Evidence | None]:
    file = subject.root / _STATS
    if not file.is_file():
        return {}, Evidence("there are no stored statistics", column=_STATS)
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        return {}, Evidence("not valid JSON", column=_STATS)
    if not isinstance(content, dict):
        return {}, Evidence("not a JSON object", column=_STATS)
    return content, None


def _feature(subject: Subject, key: str, stored: Any) -> Iterator[Evidence]:
    if not isinstance(stored, dict):
        yield Evidence("the feature has no stored statistics", column=f"{_STATS} {key}")
        return
    rows = _finite_rows(subject, key)
    width = rows.shape[1]
    missing = [name for name in (*_NAMES, *QUANTILES) if name not in stored]
    if missing:
        yield Evidence("statistics are missing", column=f"{_STATS} {key}", value=", ".join(missing))
    values = {name: _vector(stored[name], width) for name in stored}
    broken = [
        n for n in (*_NAMES, *QUANTILES) if n in values and values[n] is None and n != "count"
    ]
    if broken:
        yield Evidence(
            f"not {width} finite numbers", column=f"{_STATS} {key}", value=", ".join(broken)
        )
    sound = {name: value for name, value in values.items() if value is not None}
    count = int(np.ravel(stored.get("count", [len(rows)]))[0])
    if count > len(rows):
        yield Evidence(
            f"statistics of {count} rows, the tables have {len(rows)}",
            column=f"{_STATS} {key}.count",
            value=count,
        )
    columns = subject.columns(key)
    for name, joint, value, expected in _differences(sound, rows, count):
        yield Evidence(
            f"the stored {name} is not that of the rows, {expected:.4g}",
            column=f"{_STATS} {columns[joint]}.{name}",
            value=value,
        )
    yield from _disordered(sound, columns)
    if len(subject.tracks) >= _ENOUGH_FOR_CONSTANT and "std" in sound:
        for joint in np.flatnonzero(sound["std"] == 0):
            yield Evidence(
                "the stored deviation is 0: normalised by it, values become infinite",
                column=f"{_STATS} {columns[joint]}.std",
                value=0.0,
            )


def _differences(
    stored: Mapping[str, Array], rows: Array, count: int
) -> Iterator[tuple[str, int, float, float]]:
    """Yield what no choice of `count` of the rows can give.

    With n of N rows, the mean is at most std * sqrt((N - n) / n) off, and the deviation at most
    std * sqrt(N / n); with all rows both must agree.
    """
    if not len(rows):
        return
    mean, std = rows.mean(axis=0), rows.std(axis=0)
    total = len(rows)
    part = min(max(count, 1), total)
    slack = _TOLERANCE * std + _ABSOLUTE
    room = std * np.sqrt((total - part) / part)
    lowest, highest = rows.min(axis=0), rows.max(axis=0)
    whole = part == total
    bounds = {
        "mean": (mean - room - slack, mean + room + slack, mean),
        "std": (
            std - slack if whole else np.zeros_like(std),
            std * np.sqrt(total / part) + slack,
            std,
        ),
        "min": (lowest - slack, lowest + slack if whole else highest + slack, lowest),
        "max": (highest - slack if whole else lowest - slack, highest + slack, highest),
    }
    for name, (low, high, expected) in bounds.items():
        value = stored.get(name)
        if value is None:
            continue
        for joint in np.flatnonzero((value < low) | (value > high)):
            yield name, int(joint), float(value[joint]), float(expected[joint])


def _disordered(stored: Mapping[str, Array], columns: list[str]) -> Iterator[Evidence]:
    """Find quantiles out of order; as averages over episodes they still are in order."""
    present = [name for name in QUANTILES if name in stored]
    for below, above in pairwise(present):
        for joint in np.flatnonzero(stored[below] > stored[above] + _ABSOLUTE):
            yield Evidence(
                f"the stored {below} lies above {above}",
                column=f"{_STATS} {columns[joint]}.{below}",
                value=float(stored[below][joint]),
            )


def _cameras(subject: Subject, stored: Mapping[str, Any]) -> Iterator[Evidence]:
    for camera in subject.dataset.info.cameras:
        feature = stored.get(camera)
        mean = _vector(feature.get("mean"), 3) if isinstance(feature, dict) else None
        if mean is None:
            yield Evidence("the camera has no stored mean", column=f"{_STATS} {camera}")
            continue
        luma = np.concatenate([c.footage.luma[c.span] for c in subject.clips if c.camera == camera])
        if not len(luma):
            continue
        seen, told = float(luma.mean()) / 255.0, float(mean @ _LUMA)
        if abs(seen - told) > _IMAGE_TOLERANCE:
            yield Evidence(
                f"the stored mean is {told:.3f} in brightness, the frames' is {seen:.3f}",
                column=f"{_STATS} {camera}.mean",
                value=round(told, 4),
            )


def _per_episode(subject: Subject) -> Iterator[Evidence]:
    """Compare the statistics in the episodes table with each episode's rows."""
    columns = {key: subject.columns(key) for key in (STATE, ACTION)}
    for index, key, stored in _episode_statistics(subject):
        track = subject.track_of.get(index)
        if track is None:
            continue
        rows = track.state if key == STATE else track.action
        sound = {}
        for name, value in stored.items():
            vector = _vector(value, rows.shape[1])
            if vector is not None:
                sound[name] = vector
        count = int(np.ravel(stored.get("count") or [len(rows)])[0])
        if count != len(rows):
            yield Evidence(
                f"statistics of {count} rows, the episode has {len(rows)}",
                episode=index,
                column=f"stats/{key}/count",
                value=count,
            )
        for name, joint, value, expected in _differences(sound, rows, len(rows)):
            yield Evidence(
                f"the episode's stored {name} is not that of its rows, {expected:.4g}",
                episode=index,
                column=f"stats/{columns[key][joint]}/{name}",
                value=value,
            )


def _episode_statistics(subject: Subject) -> Iterator[tuple[int, str, dict[str, Any]]]:
    for file in sorted((subject.root / "meta/episodes").rglob("*.parquet")):
        try:
            parquet = pq.ParquetFile(file)
            present = parquet.schema_arrow.names
            wanted = [f"stats/{k}/{n}" for k in (STATE, ACTION) for n in _NAMES]
            wanted = [name for name in wanted if name in present]
            rows = parquet.read(["episode_index", *wanted]).to_pylist()
        except (pa.ArrowException, OSError):
            continue
        for row in rows:
            for key in (STATE, ACTION):
                prefix = f"stats/{key}/"
                stored = {n.removeprefix(prefix): row[n] for n in wanted if n.startswith(prefix)}
                if any(value is not None for value in stored.values()):
                    yield row["episode_index"], key, stored


def _finite_rows(subject: Subject, key: str) -> Array:
    dataset = subject.dataset
    values = (dataset.state if key == STATE else dataset.action).astype(np.float64)
    return values[np.isfinite(values).all(axis=1)]


def _vector(value: Any, width: int) -> Array | None:
    """Return stored numbers as `(width,)`, or None when they are no such numbers."""
    try:
        vector = np.asarray(value, np.float64).ravel()
    except (TypeError, ValueError):
        return None
    return vector if vector.shape == (width,) and np.isfinite(vector).all() else None
