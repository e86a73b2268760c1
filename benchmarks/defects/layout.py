"""Files and pointers: what is there twice, missing, damaged or declared wrongly."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from .defect import Planted, Strength, by_strength, defect
from .film import camera_keys, video_file
from .tables import (
    DATA_FILE,
    EPISODES_FILE,
    INFO_FILE,
    TASKS_FILE,
    edit_episodes,
    edit_info,
    edit_rows,
    lengths,
    pick_episode,
    read_info,
    read_rows,
    read_table,
    rows_of,
    vector,
    write_rows,
)

DECLARED = ({"fix": "declared_rows"},)
TOTALS = ({"fix": "mend_totals"},)
POINTERS = ({"fix": "mend_pointers"},)


@defect("both_layouts", "version 2.1 files beside those of version 3")
def both_layouts(folder: Path, strength: Strength, _: np.random.Generator) -> Planted:
    """As in public revisions whose readers then see each row twice (lerobot #1875)."""
    count = by_strength(strength, 1, len(lengths(folder)) // 2, len(lengths(folder)))
    rows = read_rows(folder)
    for episode in range(count):
        name = f"data/chunk-000/episode_{episode:06d}.parquet"
        write_rows(folder, rows.take(rows_of(folder, episode)), file=name)
    column = "data/chunk-000/episode_000000.parquet"
    return Planted(("undeclared_files",), (), None, column, DECLARED, True)


@defect("undeclared_video", "a video that no episode declares")
def undeclared_video(folder: Path, strength: Strength, _: np.random.Generator) -> Planted:
    name = video_file(folder)
    extra = by_strength(
        strength,
        name.replace("file-000", "file-001"),
        name.replace("file-000", "episode_000000"),
        name.replace("images.", "images.old_"),
    )
    (folder / extra).parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(folder / name, folder / extra)
    return Planted(("undeclared_files",), (), None, extra, DECLARED, True)


@defect("doubled_rows", "rows that are there twice in the declared file")
def doubled_rows(folder: Path, strength: Strength, rng: np.random.Generator) -> Planted:
    rows = read_rows(folder)
    episode = pick_episode(folder, rng)
    own = rows_of(folder, episode)
    frame = int(rng.integers(len(own)))
    chosen = by_strength(strength, own[frame : frame + 1], own, np.arange(rows.num_rows))
    write_rows(folder, pa.concat_tables([rows, rows.take(chosen)]))
    frames = (frame, frame) if strength == "mild" else None
    episodes = () if strength == "strong" else (episode,)
    return Planted(("duplicate_rows",), episodes, frames, None, DECLARED, True)


@defect("shuffled_rows", "rows that are not in the order of their frames")
def shuffled_rows(folder: Path, strength: Strength, rng: np.random.Generator) -> Planted:
    episode = pick_episode(folder, rng)
    rows = read_rows(folder)
    own = rows_of(folder, episode)
    first = int(rng.integers(3, len(own) - 5))
    part = by_strength(strength, own[first : first + 2], own, np.arange(rows.num_rows))
    order = np.arange(rows.num_rows)
    order[part] = part[::-1]
    write_rows(folder, rows.take(order))
    frames = (first, first + 2) if strength == "mild" else None
    episodes = () if strength == "strong" else (episode,)
    return Planted(("frame_order",), episodes, frames, None, DECLARED, True)


@defect("stale_data_pointer", "episodes that point at a data file without their rows")
def stale_data_pointer(folder: Path, strength: Strength, _: np.random.Generator) -> Planted:
    """Split the rows over two files and leave pointers behind, as a rollover did (lerobot #2401)."""
    # Mended, the rows stay in two files: the same rows, and another layout than the original's.
    count = len(lengths(folder))
    moved = tuple(range(count - by_strength(strength, 1, 2, count - 1), count))
    rows = read_rows(folder)
    away = np.isin(vector(rows, "episode_index"), moved)
    write_rows(folder, rows.filter(pa.array(away)), file=DATA_FILE.replace("file-000", "file-001"))
    write_rows(folder, rows.filter(pa.array(~away)))
    if strength != "strong":
        # All of these episodes still point at the first file; the second is declared by nobody.
        return Planted(("stale_pointers",), moved, None, None, POINTERS)

    def point(columns: dict[str, list[Any]]) -> None:
        columns["data/file_index"] = [0] + [1] * (count - 2) + [0]

    edit_episodes(folder, point)
    return Planted(("stale_pointers",), (count - 1,), None, None, POINTERS)


@defect("stale_row_range", "dataset_from_index and dataset_to_index of other rows")
def stale_row_range(folder: Path, strength: Strength, rng: np.random.Generator) -> Planted:
    episode = 1 + int(rng.integers(len(lengths(folder)) - 1))
    shift = by_strength(strength, 1, 5, 40)

    def move(columns: dict[str, list[Any]]) -> None:
        for name in ("dataset_from_index", "dataset_to_index"):
            columns[name][episode] += shift

    edit_episodes(folder, move)
    return Planted(("stale_pointers",), (episode,), None, None, POINTERS, True)


@defect("stale_video_pointer", "an episode that points at a video file that is not there")
def stale_video_pointer(folder: Path, strength: Strength, _: np.random.Generator) -> Planted:
    key = f"videos/{camera_keys(folder)[0]}/file_index"
    last = len(lengths(folder)) - 1
    late = tuple(range(by_strength(strength, last, last - 1, 1), last + 1))

    def point(columns: dict[str, list[Any]]) -> None:
        for episode in late:
            columns[key][episode] = 1

    edit_episodes(folder, point)
    return Planted(("stale_pointers", "video_decodes"), late, None, None, POINTERS, True)


@defect("span_drift", "from_timestamp and to_timestamp that drift away from the frames")
def span_drift(folder: Path, strength: Strength, _: np.random.Generator) -> Planted:
    """Add up durations that are slightly wrong, as writers did (lerobot #3177)."""
    fps, count = read_info(folder)["fps"], len(lengths(folder))
    step = by_strength(strength, 0.2, 0.6, 2.0) / fps
    camera = camera_keys(folder)[0]

    def move(columns: dict[str, list[Any]]) -> None:
        for episode in range(1, count):
            columns[f"videos/{camera}/from_timestamp"][episode] += step * episode
            columns[f"videos/{camera}/to_timestamp"][episode] += step * episode

    edit_episodes(folder, move)
    return Planted(("span_drift",), (count - 1,), None, None, POINTERS, True)


@defect("span_overlap", "two episodes that share frames of a video")
def span_overlap(folder: Path, strength: Strength, rng: np.random.Generator) -> Planted:
    fps = read_info(folder)["fps"]
    episode = 1 + int(rng.integers(len(lengths(folder)) - 1))
    key = f"videos/{camera_keys(folder)[0]}/from_timestamp"

    def move(columns: dict[str, list[Any]]) -> None:
        columns[key][episode] -= by_strength(strength, 1, 4, 15) / fps

    edit_episodes(folder, move)
    return Planted(("span_drift", "frame_count"), (episode,), None, None, POINTERS, True)


@defect("truncated_data", "a data file cut off")
def truncated_data(folder: Path, strength: Strength, _: np.random.Generator) -> Planted:
    _cut(folder / DATA_FILE, by_strength(strength, 0.999, 0.5, 0.0))
    return Planted(("readable",), (), None, DATA_FILE)


@defect("truncated_episodes", "the episodes table cut off")
def truncated_episodes(folder: Path, strength: Strength, _: np.random.Generator) -> Planted:
    _cut(folder / EPISODES_FILE, by_strength(strength, 0.999, 0.5, 0.0))
    return Planted(("readable",), (), None, EPISODES_FILE)


@defect("truncated_info", "meta/info.json cut off, or without a key")
def truncated_info(folder: Path, strength: Strength, _: np.random.Generator) -> Planted:
    if strength == "mild":
        edit_info(folder, lambda info: info.pop("fps"))
    else:
        _cut(folder / INFO_FILE, by_strength(strength, 1.0, 0.5, 0.0))
    return Planted(("readable", "schema"), (), None, INFO_FILE)


@defect("missing_metadata", "a metadata file that is not there")
def missing_metadata(folder: Path, strength: Strength, _: np.random.Generator) -> Planted:
    name = by_strength(strength, TASKS_FILE, EPISODES_FILE, INFO_FILE)
    (folder / name).unlink()
    column = "meta/episodes" if name == EPISODES_FILE else name
    return Planted(("readable", "task_strings"), (), None, column)


@defect("missing_data", "a declared data file that is not there")
def missing_data(folder: Path, strength: Strength, _: np.random.Generator) -> Planted:
    count = len(lengths(folder))
    lost = tuple(range(count - by_strength(strength, 1, 3, count), count))
    rows = read_rows(folder)
    stays = ~np.isin(vector(rows, "episode_index"), lost)
    name = DATA_FILE
    if strength == "strong":
        (folder / DATA_FILE).unlink()
    else:
        name = DATA_FILE.replace("file-000", "file-001")
        write_rows(folder, rows.filter(pa.array(stays)))

    def point(columns: dict[str, list[Any]]) -> None:
        for episode in lost:
            columns["data/file_index"][episode] = 1

    if strength != "strong":
        edit_episodes(folder, point)
    return Planted(("readable", "stale_pointers"), (), None, name)


@defect("missing_column", "a column of the rows that is not there")
def missing_column(folder: Path, strength: Strength, _: np.random.Generator) -> Planted:
    name = by_strength(strength, "task_index", "timestamp", "action")
    write_rows(folder, read_rows(folder).drop_columns([name]))
    return Planted(("readable", "schema"), (), None, name)


@defect("wrong_total_frames", "total_frames that is not the number of rows")
def wrong_total_frames(folder: Path, strength: Strength, _: np.random.Generator) -> Planted:
    more = by_strength(strength, 1, 50, 10_000)
    edit_info(folder, lambda info: info.update(total_frames=info["total_frames"] + more))
    return Planted(("row_count",), (), None, "total_frames", TOTALS, True)


@defect("wrong_total_episodes", "total_episodes that is not the number of episodes")
def wrong_total_episodes(folder: Path, strength: Strength, _: np.random.Generator) -> Planted:
    more = by_strength(strength, 1, -2, 100)
    edit_info(folder, lambda info: info.update(total_episodes=info["total_episodes"] + more))
    return Planted(("schema",), (), None, "total_episodes", TOTALS, True)


@defect("wrong_length", "an episode whose declared length is not that of its rows")
def wrong_length(folder: Path, strength: Strength, rng: np.random.Generator) -> Planted:
    episode = pick_episode(folder, rng)

    def restate(columns: dict[str, list[Any]]) -> None:
        columns["length"][episode] += by_strength(strength, 1, -5, 200)

    edit_episodes(folder, restate)
    return Planted(("row_count",), (episode,), None, "length", TOTALS, True)


@defect("index_gap", "episode indices with a gap, in rows and metadata alike")
def index_gap(folder: Path, strength: Strength, rng: np.random.Generator) -> Planted:
    count = len(lengths(folder))
    first = count - 1 if strength == "mild" else 1 + int(rng.integers(count - 1))
    step = by_strength(strength, 1, 1, 10)
    index = vector(read_rows(folder), "episode_index")
    edit_rows(folder, episode_index=np.where(index >= first, index + step, index))

    def renumber(columns: dict[str, list[Any]]) -> None:
        old = columns["episode_index"]
        columns["episode_index"] = [e + step if e >= first else e for e in old]

    edit_episodes(folder, renumber)
    renumber_all = ({"fix": "drop_episodes"},)
    return Planted(("schema", "frame_order"), (), None, "episode_index", renumber_all, True)


@defect("episode_rows_missing", "an episode in the metadata without any row")
def episode_rows_missing(folder: Path, strength: Strength, rng: np.random.Generator) -> Planted:
    count = len(lengths(folder))
    amount = by_strength(strength, 1, 2, count - 1)
    lost = tuple(sorted(int(e) for e in rng.choice(count, size=amount, replace=False)))
    rows = read_rows(folder)
    write_rows(folder, rows.filter(pa.array(~np.isin(vector(rows, "episode_index"), lost))))
    drop = ({"fix": "drop_episodes", "episodes": list(lost)},)
    return Planted(("row_count", "stale_pointers"), lost[:1], None, None, drop)


@defect("empty_dataset", "no episode at all")
def empty_dataset(folder: Path, strength: Strength, _: np.random.Generator) -> Planted:
    table = read_table(folder / EPISODES_FILE)
    pq.write_table(table.slice(0, 0), folder / EPISODES_FILE)
    if strength != "mild":
        write_rows(folder, read_rows(folder).slice(0, 0))
    if strength == "strong":
        edit_info(folder, lambda info: info.update(total_episodes=0, total_frames=0))
    return Planted(("readable",), (), None, "meta/episodes")


def _cut(file: Path, kept: float) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: int(len(content) * kept)])
