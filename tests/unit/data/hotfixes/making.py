"""Makes small LeRobot v3 datasets without LeRobot: quick, and of any shape."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import av
import numpy as np
import pandas as pd
import pyarrow as pa

from fedarm.data.calibration import Era, convert_era
from fedarm.data.hotfixes.statistics import vector_statistics
from fedarm.data.hotfixes.tables import write_table

JOINTS = (
    "shoulder_pan.pos",
    "shoulder_lift.pos",
    "elbow_flex.pos",
    "wrist_flex.pos",
    "wrist_roll.pos",
    "gripper.pos",
)
CAMERA = "observation.images.top"
SIDE = 32


def make_dataset(
    root: Path,
    lengths: Sequence[int],
    *,
    fps: int = 10,
    cameras: Sequence[str] = (CAMERA,),
    episodes_per_file: int = 2,
    names: Sequence[str] = JOINTS,
    tasks: Sequence[str] = ("put the cube down",),
) -> None:
    """Write a sound dataset whose frames' brightness tells episode and frame apart."""
    starts = np.concatenate([[0], np.cumsum(lengths)])
    vector = {"dtype": "float32", "shape": [len(names)], "names": list(names)}
    scalar = {"shape": [1], "names": None}
    image = {
        "dtype": "video",
        "shape": [SIDE, SIDE, 3],
        "names": ["height", "width", "channels"],
        "info": {
            "video.fps": fps,
            "video.height": SIDE,
            "video.width": SIDE,
            "video.codec": "h264",
        },
    }
    info = {
        "codebase_version": "v3.0",
        "fps": fps,
        "features": {
            "observation.state": vector,
            "action": vector,
            **dict.fromkeys(cameras, image),
            "timestamp": {"dtype": "float32", **scalar},
            **{
                key: {"dtype": "int64", **scalar}
                for key in ("frame_index", "episode_index", "index", "task_index")
            },
        },
        "total_episodes": len(lengths),
        "total_frames": int(starts[-1]),
        "total_tasks": len(tasks),
        "chunks_size": 1000,
        "data_files_size_in_mb": 100,
        "video_files_size_in_mb": 200,
        "data_path": "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet",
        "video_path": "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4",
        "robot_type": "so101_follower",
        "splits": {"train": f"0:{len(lengths)}"},
    }
    (root / "meta").mkdir(parents=True)
    (root / "meta/info.json").write_text(json.dumps(info, indent=4))
    pd.DataFrame(
        {"task_index": range(len(tasks))}, index=pd.Index(list(tasks), name="task")
    ).to_parquet(root / "meta/tasks.parquet")
    rows = [_rows(e, n, int(starts[e]), fps, len(tasks), names) for e, n in enumerate(lengths)]
    _write_data(root, rows, episodes_per_file)
    spans = _write_videos(root, lengths, fps, cameras, episodes_per_file)
    _write_meta(root, rows, spans, starts, tasks, episodes_per_file)


def _rows(
    episode: int, length: int, start: int, fps: int, tasks: int, names: Sequence[str]
) -> dict[str, Any]:
    frame = np.arange(length)
    time = (start + frame)[:, None]
    # Not periodic: repeated movement would be taken for copies.
    phase = time / 7 + 3 * np.sin(time / 97) + np.arange(len(names))
    degrees = 40 * np.sin(phase) + 0.1 * episode
    degrees[:, -1] += 50
    era: Era = "legacy_degrees" if names[0].startswith("main_") else "degrees"
    state, action = (
        convert_era(values, names, source="degrees", target=era).astype(np.float32)
        for values in (degrees, degrees + 1)
    )
    return {
        "observation.state": state,
        "action": action,
        "timestamp": (frame / fps).astype(np.float32),
        "frame_index": frame,
        "episode_index": np.full(length, episode),
        "index": start + frame,
        "task_index": np.full(length, episode % tasks),
    }


def table_of(rows: dict[str, Any]) -> pa.Table:
    arrays = {}
    for key, values in rows.items():
        if values.ndim == 2:
            flat = pa.array(np.ascontiguousarray(values).reshape(-1))
            arrays[key] = pa.FixedSizeListArray.from_arrays(flat, values.shape[1])
        else:
            arrays[key] = pa.array(values)
    return pa.table(arrays)


def _write_data(root: Path, rows: Sequence[dict[str, Any]], per_file: int) -> None:
    (root / "data/chunk-000").mkdir(parents=True)
    for number, first in enumerate(range(0, len(rows), per_file)):
        tables = [table_of(each) for each in rows[first : first + per_file]]
        write_table(
            root / f"data/chunk-000/file-{number:03d}.parquet",
            pa.concat_tables(tables).combine_chunks(),
        )


def _write_videos(
    root: Path, lengths: Sequence[int], fps: int, cameras: Sequence[str], per_file: int
) -> dict[tuple[str, int], dict[str, Any]]:
    spans = {}
    for camera in cameras:
        folder = root / "videos" / camera / "chunk-000"
        folder.mkdir(parents=True)
        for number, first in enumerate(range(0, len(lengths), per_file)):
            episodes = range(first, min(first + per_file, len(lengths)))
            begin = 0.0
            for episode in episodes:
                end = begin + lengths[episode] / fps
                spans[camera, episode] = {
                    "chunk_index": 0,
                    "file_index": number,
                    "from_timestamp": begin,
                    "to_timestamp": end,
                }
                begin = end
            write_video(folder / f"file-{number:03d}.mp4", lengths, episodes, fps)
    return spans


def write_video(file: Path, lengths: Sequence[int], episodes: Sequence[int], fps: int) -> None:
    with av.open(str(file), "w") as container:
        options = {"preset": "ultrafast", "crf": "18", "g": "2"}
        stream = container.add_stream("libx264", rate=fps, options=options)
        stream.width = stream.height = SIDE
        stream.pix_fmt = "yuv420p"
        stream.codec_context.thread_count = 1
        for episode in episodes:
            for index in range(lengths[episode]):
                frame = av.VideoFrame.from_ndarray(_planes(episode, index), format="yuv420p")
                # As LeRobot records: each episode is a video of its own, joined without decoding.
                frame.pict_type = av.video.frame.PictureType.I if index == 0 else 0
                container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _planes(episode: int, frame: int) -> Any:
    """A grey picture's luma and chroma planes: converting colours would take most of the time."""
    return _planes_of(_brightness(episode, frame))


@cache
def _planes_of(brightness: int) -> Any:
    planes = np.full((SIDE * 3 // 2, SIDE), 128, np.uint8)
    planes[:SIDE] = np.round(16 + _ramp_of(brightness) * (219 / 255))
    return planes


def ramp(episode: int, frame: int) -> Any:
    """One line of a picture: not flat, and of another brightness in each frame of an episode."""
    return _ramp_of(_brightness(episode, frame))


def _brightness(episode: int, frame: int) -> int:
    return 30 + (episode * 37 + frame * 5) % 180


@cache
def _ramp_of(brightness: int) -> Any:
    return (brightness + np.linspace(-20, 20, SIDE)).astype(np.uint8)


def _write_meta(
    root: Path,
    rows: Sequence[dict[str, Any]],
    spans: dict[tuple[str, int], dict[str, Any]],
    starts: Any,
    tasks: Sequence[str],
    per_file: int,
) -> None:
    numeric = list(rows[0])
    table = []
    for episode, each in enumerate(rows):
        row: dict[str, Any] = {
            "episode_index": episode,
            "tasks": [tasks[episode % len(tasks)]],
            "length": len(each["index"]),
            "data/chunk_index": 0,
            "data/file_index": episode // per_file,
            "dataset_from_index": int(starts[episode]),
            "dataset_to_index": int(starts[episode + 1]),
        }
        for (camera, index), span in spans.items():
            if index == episode:
                row |= {f"videos/{camera}/{key}": value for key, value in span.items()}
                row |= {f"stats/{camera}/{k}": v for k, v in _pixels(each, episode).items()}
        for key in numeric:
            for name, value in _statistics(each[key]).items():
                row[f"stats/{key}/{name}"] = value
        row |= {"meta/episodes/chunk_index": 0, "meta/episodes/file_index": 0}
        table.append(row)
    folder = root / "meta/episodes/chunk-000"
    folder.mkdir(parents=True)
    write_table(folder / "file-000.parquet", pa.Table.from_pylist(table), [len(table)])
    stats = {key: _statistics(np.concatenate([each[key] for each in rows])) for key in numeric}
    pixels = np.concatenate([_greys(each, episode) for episode, each in enumerate(rows)])
    stats |= {camera: _channels(pixels) for camera, _ in spans}
    (root / "meta/stats.json").write_text(json.dumps(stats))


def _statistics(values: Any) -> dict[str, list[Any]]:
    return vector_statistics(np.asarray(values, float).reshape(len(values), -1))


def _greys(each: dict[str, Any], episode: int) -> Any:
    # Of some of the frames, as LeRobot samples them.
    step = max(1, len(each["frame_index"]) // 40)
    lines = [ramp(episode, int(index)) for index in each["frame_index"][::step]]
    return np.concatenate(lines)[:, None] / 255


def _pixels(each: dict[str, Any], episode: int) -> dict[str, Any]:
    return _channels(_greys(each, episode))


def _channels(values: Any) -> dict[str, Any]:
    """Three equal channels in LeRobot's shape (channel, 1, 1)."""
    moments = vector_statistics(values)
    count = moments.pop("count")[0] * SIDE
    return {**{k: [[v], [v], [v]] for k, v in moments.items()}, "count": [count]}
