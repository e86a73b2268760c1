"""From format version 2.0 to 2.1: statistics of each episode instead of one of the whole dataset.

That is all that the versions differ in. LeRobot has shipped no converter for this step since its version
0.4, and the one from 2.1 to 3.0, which it has, needs these statistics.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedarm.data.decoding import read_frames
from fedarm.data.info import INFO_FILE, require
from fedarm.data.parquet import REMEDY, read_columns
from fedarm.errors import DataError
from fedarm.paths import read_json, write_atomic, write_json

_EPISODES = "meta/episodes.jsonl"
_EPISODES_STATISTICS = "meta/episodes_stats.jsonl"
_DEFAULT_CHUNK_EPISODES = 1000
# As many pictures an episode as LeRobot takes of one of ordinary length.
_PICTURES = 100


def upgrade_v20(root: Path) -> None:
    """Write the statistics of each episode of a version 2.0 dataset and call it 2.1, in place.

    Raises:
        DataError: A file that the metadata declares is missing or damaged.
    """
    info = read_json(root / INFO_FILE)
    lines = [
        json.dumps({"episode_index": index, "stats": _statistics(root, info, index)})
        for index in _episode_indices(root / _EPISODES)
    ]
    write_atomic(root / _EPISODES_STATISTICS, "".join(f"{line}\n" for line in lines))
    write_json(root / INFO_FILE, {**info, "codebase_version": "v2.1"})


def _episode_indices(file: Path) -> Iterator[int]:
    try:
        for line in file.read_text(encoding="utf-8").splitlines():
            yield int(json.loads(line)["episode_index"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"not a list of episodes: {error}", file=file, key="episode_index", remedy=REMEDY
        ) from None


def _statistics(root: Path, info: Mapping[str, Any], episode: int) -> dict[str, Any]:
    """Return LeRobot's statistics of one episode, by feature."""
    info_file = root / INFO_FILE
    chunk_episodes = info.get("chunks_size", _DEFAULT_CHUNK_EPISODES)
    place = {"episode_index": episode, "episode_chunk": episode // chunk_episodes}
    found = {}
    for key, feature in require(info, "features", dict, info_file).items():
        kind = feature.get("dtype")
        if kind == "video":
            template = require(info, "video_path", str, info_file)
            found[key] = _of_pictures(root / template.format(video_key=key, **place))
        elif kind not in {"image", "string"}:
            template = require(info, "data_path", str, info_file)
            found[key] = _of_column(root / template.format(**place), key)
    return found


def _of_column(file: Path, key: str) -> dict[str, list[Any]]:
    rows = read_columns(file, [key])[key].to_pylist()
    values = np.asarray(rows, dtype=np.float64).reshape(len(rows), -1)
    return _describe(values, axis=0, count=len(rows))


def _of_pictures(file: Path) -> dict[str, list[Any]]:
    """Return the statistics of each colour, `(3, 1, 1)`, from 0 to 1, of pictures spread evenly."""
    frames = sum(1 for _ in read_frames(file))
    chosen = {int(index) for index in np.linspace(0, frames - 1, min(frames, _PICTURES))}
    pictures = [picture for i, (_, picture) in enumerate(read_frames(file)) if i in chosen]
    if not pictures:
        raise DataError("the video has no frame", file=file, remedy=REMEDY)
    colours = np.stack(pictures).reshape(-1, 3) / 255.0
    found = _describe(colours, axis=0, count=len(pictures))
    return {
        name: [[[value]] for value in values] if name != "count" else values
        for name, values in found.items()
    }


def _describe(values: NDArray[np.float64], *, axis: int, count: int) -> dict[str, list[Any]]:
    return {
        "min": values.min(axis).tolist(),
        "max": values.max(axis).tolist(),
        "mean": values.mean(axis).tolist(),
        "std": values.std(axis).tolist(),
        "count": [count],
    }
