"""Checks of meta/ and of the folder: what is declared, what is there, what points where."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from fedarm.data.checks.finding import Evidence, check
from fedarm.data.checks.subject import Subject
from fedarm.data.parquet import read_columns
from fedarm.errors import DataError

_CAMERA_PREFIX = "observation.images."
_DESCRIBED = ("robot", "task")


@check(
    "undeclared_files",
    severity="error",
    measures="files below data/ and videos/ that no episode points to",
    remedy="read only the declared files (hotfix declared_rows); "
    "see https://github.com/huggingface/lerobot/issues/1875",
    same_as=("lerobot-doctor portability",),
    needs="metadata",
)
def find_undeclared_files(subject: Subject) -> Iterator[Evidence]:
    """Find leftovers of another layout, which a reader that takes every file reads as rows."""
    declared = {episode.data_file for episode in subject.dataset.episodes}
    declared |= {s.file for episode in subject.dataset.episodes for s in episode.videos.values()}
    for folder in ("data", "videos"):
        for file in sorted((subject.root / folder).rglob("*")):
            name = file.relative_to(subject.root).as_posix()
            if file.is_file() and name not in declared and not file.name.startswith("."):
                yield Evidence("no episode points to this file", column=name)


@check(
    "stale_pointers",
    severity="error",
    measures="whether each episode's rows are in the file, and at the place, that it points to",
    remedy="point to where the rows are (hotfix mend_pointers)",
    same_as=("lerobot-quality-gates episodes",),
    needs="metadata",
)
def find_stale_pointers(subject: Subject) -> Iterator[Evidence]:
    """Look for each episode in its data file, and for its rows at dataset_from_index."""
    held = {file: _episodes_in(subject.root / file) for file in _data_files(subject)}
    for episode in subject.dataset.episodes:
        inside = held[episode.data_file]
        if inside is None:
            missing = not (subject.root / episode.data_file).exists()
            if missing:
                yield Evidence(
                    "the episode points to a data file that is not there",
                    episode=episode.index,
                    column=episode.data_file,
                )
        elif episode.index not in inside:
            yield Evidence(
                "the episode points to a data file without its rows",
                episode=episode.index,
                column=episode.data_file,
            )
    for clip in subject.clips:
        span = clip.episode.videos[clip.camera]
        footage = clip.footage
        if footage.frames and span.from_s >= footage.times[-1] + 0.5 / subject.dataset.info.fps:
            yield Evidence(
                "the episode points behind the end of its video",
                episode=clip.episode.index,
                column=clip.file,
                value=span.from_s,
            )
    yield from _wrong_bounds(subject)


@check(
    "camera_keys",
    severity="error",
    measures="whether there is a camera, under a key that policies and their readers know as one",
    remedy="give the cameras their keys (hotfix rename_cameras)",
    same_as=("lerobot-quality-gates sensors", "lerobot-doctor training"),
    needs="metadata",
)
def find_camera_keys(subject: Subject) -> Iterator[Evidence]:
    """Find sets without a camera, and keys that are silently ignored."""
    cameras = subject.dataset.info.cameras
    if not cameras:
        yield Evidence("no feature is a video", column="features")
    for camera in cameras:
        name = camera.removeprefix(_CAMERA_PREFIX)
        if not camera.startswith(_CAMERA_PREFIX) or not name.replace("_", "").isalnum():
            yield Evidence(
                f"a camera's key should be {_CAMERA_PREFIX}<name>, in letters, digits and _",
                column=camera,
            )
    for key, feature in subject.raw_info.get("features", {}).items():
        if key.startswith("observation.image") and key not in cameras:
            yield Evidence(
                "a camera by its key is no video", column=key, value=str(feature.get("dtype"))
            )


@check(
    "portability",
    severity="warning",
    measures="paths that work on one machine only: absolute, linked to nowhere, unreadable",
    remedy="copy the files into the dataset's folder and make the path templates relative",
    same_as=("lerobot-doctor portability",),
    needs="folder",
)
def find_portability(subject: Subject) -> Iterator[Evidence]:
    """Find path templates that lead out of the folder, and files that cannot be read."""
    for key in ("data_path", "video_path"):
        template = subject.raw_info.get(key)
        if not isinstance(template, str):
            continue
        path = PurePosixPath(template)
        if path.is_absolute() or ".." in path.parts:
            yield Evidence("the path leads out of the dataset", column=key, value=template)
        elif "{" not in template:
            yield Evidence("the path is no template", column=key, value=template)
    for file in sorted(subject.root.rglob("*")):
        name = file.relative_to(subject.root).as_posix()
        if file.is_symlink() and not file.exists():
            yield Evidence("a link leads nowhere", column=name)
        elif file.is_file() and not os.access(file, os.R_OK):
            yield Evidence("the file cannot be read", column=name)


@check(
    "card",
    severity="warning",
    measures="a dataset card that is there but says nothing about the robot or the task",
    remedy="describe robot, cameras, tasks and limits in README.md",
    same_as=("lerobot-quality-gates card",),
    needs="folder",
)
def find_card(subject: Subject) -> Iterator[Evidence]:
    """Read the card of a dataset that has one."""
    file = subject.root / "README.md"
    if not file.is_file():
        return
    text = file.read_text(encoding="utf-8", errors="replace").lower()
    for word in _DESCRIBED:
        if word not in text:
            yield Evidence(f"the card does not mention the {word}", column="README.md")


@check(
    "interventions",
    severity="warning",
    measures="human interventions that are declared but recorded nowhere",
    remedy="record them as a feature, or take the claim out of meta/info.json",
    same_as=("lerobot-quality-gates interventions",),
    needs="folder",
)
def find_interventions(subject: Subject) -> Iterator[Evidence]:
    """Compare the claim with the features."""
    info = subject.raw_info
    claimed = [key for key in ("hil", "interventions") if info.get(key)]
    recorded = any("intervention" in key for key in info.get("features", {}))
    for key in claimed:
        if not recorded:
            yield Evidence("no feature records an intervention", column=key, value=str(info[key]))


@check(
    "camera_calibration",
    severity="warning",
    measures="camera intrinsics and extrinsics, where some are given: finite and not left at defaults",
    remedy="calibrate the cameras, or leave the keys out",
    same_as=("deepen-grade calibration.sanity",),
    needs="folder",
)
def find_camera_calibration(subject: Subject) -> Iterator[Evidence]:
    """Find focal lengths of 0, values that are no numbers, and extrinsics that nobody set."""
    for path, key, value in _walk(subject.raw_info, ""):
        numbers = _numbers(value)
        if key in ("intrinsics", "extrinsics") and not np.isfinite(numbers).all():
            yield Evidence("a value is not a finite number", column=path)
        elif key == "intrinsics" and isinstance(value, dict):
            focal = [value.get("fx"), value.get("fy")]
            if any(length in (None, 0, 0.0) for length in focal):
                yield Evidence("a focal length is missing or 0", column=path)
        elif key == "extrinsics" and _is_default(numbers):
            yield Evidence("the extrinsics are an unset default", column=path)


def _data_files(subject: Subject) -> list[str]:
    return sorted({episode.data_file for episode in subject.dataset.episodes})


def _episodes_in(file: Path) -> set[int] | None:
    try:
        column = read_columns(file, ["episode_index"])["episode_index"]
    except DataError:
        return None
    return set(column.unique().to_pylist())


def _wrong_bounds(subject: Subject) -> Iterator[Evidence]:
    """Compare dataset_from_index and dataset_to_index with the lengths before."""
    begin = 0
    bounds = _stored_bounds(subject.root)
    for episode in subject.dataset.episodes:
        found = bounds.get(episode.index)
        expected = (begin, begin + episode.length)
        if found is not None and found != expected:
            yield Evidence(
                f"the episode's rows are {expected[0]} to {expected[1]}",
                episode=episode.index,
                column="dataset_from_index" if found[0] != expected[0] else "dataset_to_index",
                value=found[0] if found[0] != expected[0] else found[1],
            )
        begin += episode.length


def _stored_bounds(root: Path) -> dict[int, tuple[int, int]]:
    names = ["episode_index", "dataset_from_index", "dataset_to_index"]
    bounds: dict[int, tuple[int, int]] = {}
    for file in sorted((root / "meta/episodes").rglob("*.parquet")):
        try:
            table = pq.ParquetFile(file).read(names)
        except (pa.ArrowException, OSError, KeyError):
            continue
        if table.column_names == names:
            for index, begin, end in zip(*(table[n].to_pylist() for n in names), strict=True):
                bounds[index] = (begin, end)
    return bounds


def _walk(value: Any, path: str) -> Iterator[tuple[str, str, Any]]:
    if isinstance(value, dict):
        for key, inner in sorted(value.items()):
            here = f"{path}.{key}" if path else str(key)
            yield here, str(key), inner
            yield from _walk(inner, here)


def _numbers(value: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    if isinstance(value, dict):
        value = list(value.values())
    try:
        return np.asarray(value, np.float64).ravel()
    except (TypeError, ValueError):
        return np.full(1, np.nan)


def _is_default(numbers: np.ndarray[Any, np.dtype[np.float64]]) -> bool:
    square = numbers.size == 16 and bool(np.allclose(numbers.reshape(4, 4), np.eye(4)))
    return square or bool(np.allclose(numbers, 0.0))
