"""Labelled episodes of a real arm, as the tables and videos that rollouts leave.

rollouts/<dataset>/episodes.parquet     the columns of `tables`, and:
    recorded_episode    the episode of the recording
    note                what the person who labelled it had to say
rollouts/<dataset>/videos/round_<0000>_episode_<000>.mp4, .json
rollouts/videos.json                    written last

`episode` and `initial_condition_seed` are the number of the initial condition, `task` is the dataset's
name and `variant` is `real_arm`. Steps and duration are those of the recorded episode.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from fedarm.data.dataset import Dataset, Episode, open_metadata
from fedarm.data.decoding import decode_episode
from fedarm.errors import DataError
from fedarm.evaluation_settings import RecordedSettings, Recording
from fedarm.logging import Progress
from fedarm.paths import RunPaths, atomic_dir, read_json, write_json
from fedarm.provenance import digest_file
from fedarm.rollout.labels import Label, read_labels
from fedarm.rollout.pictures import camera_strip, frame_repeats
from fedarm.rollout.recording import VIDEO_FPS, open_video
from fedarm.rollout.tables import write_episodes
from fedarm.settings import Run

VIDEOS_SCHEMA_VERSION = 1
RECORD_SCHEMA_VERSION = 1
VARIANT = "real_arm"

_VIDEOS = "videos"
_ALSO = (("recorded_episode", pa.int64()), ("note", pa.string()))


def collect_recorded(settings: RecordedSettings) -> None:
    """Write the episodes of every run that was on the real arm.

    Labels, recordings' metadata and metrics are checked before the first file is written.

    Raises:
        DataError: The labels or a recording are broken, or a label names an episode that is not there.
        ResultsError: A run's metrics are missing, or the results cannot be written.
    """
    labels, recordings = read_recorded(settings)
    checkpoints = {
        paths.root: read_json(paths.metrics)["checkpoint"]["sha256"]
        for _, _, paths in settings.runs
    }
    with Progress(len(labels), label="recorded episodes", unit="episodes") as progress:
        for run, number, paths in settings.runs:
            videos = []
            for recording in settings.recordings:
                chosen = [
                    label
                    for label in labels
                    if (label.dataset, label.name, label.seed)
                    == (recording.dataset, run.name, run.seed)
                ]
                common = _labels(run, number, recording, checkpoints[paths.root])
                videos += _write_dataset(
                    settings,
                    paths,
                    recording,
                    recorded=recordings[recording.dataset],
                    labels=sorted(chosen, key=lambda label: label.initial_condition),
                    common=common,
                )
                progress.advance(len(chosen))
            write_json(paths.videos, {"schema_version": VIDEOS_SCHEMA_VERSION, "videos": videos})


def read_recorded(settings: RecordedSettings) -> tuple[tuple[Label, ...], dict[str, Dataset]]:
    """Read the labels, and the metadata of the recordings by dataset, and check one by the other.

    Raises:
        DataError: The labels or a recording are broken, or a label names an episode that is not there.
    """
    labels = read_labels(settings)
    recordings = {each.dataset: open_metadata(each.folder) for each in settings.recordings}
    _check_episodes(labels, recordings, settings.labels)
    return labels, recordings


def _check_episodes(labels: Sequence[Label], recordings: Mapping[str, Dataset], file: Path) -> None:
    for label in labels:
        recording = recordings[label.dataset]
        known = [episode.index for episode in recording.episodes]
        if label.episode not in known:
            raise DataError(
                f"the recording in {recording.root} has no such episode",
                file=file,
                key="episode",
                value=label.episode,
                remedy=f"it has {len(known)}, counted from {known[0]} to {known[-1]}: mend the label,"
                f" or point `evaluation.recordings.{label.dataset}` at the right recording",
            )


def _write_dataset(
    settings: RecordedSettings,
    paths: RunPaths,
    recording: Recording,
    *,
    recorded: Dataset,
    labels: Sequence[Label],
    common: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """Write a run's folder of one dataset, and return its entries in `videos.json`."""
    episodes = {episode.index: episode for episode in recorded.episodes}
    rows, entries = [], []
    table = paths.episodes(recording.dataset)
    with atomic_dir(table.parent) as folder:
        for label in labels:
            episode = episodes[label.episode]
            outcome = _outcome(label, episode, recorded.info.fps)
            rows.append(
                {
                    **common,
                    **outcome,
                    "final": True,
                    "unseen": recording.unseen,
                    "return": float(label.success),
                    "recorded_episode": label.episode,
                    "note": label.note,
                }
            )
            if label.initial_condition in _filmed(settings, labels):
                name = f"round_{common['round']:04d}_episode_{label.initial_condition:03d}.mp4"
                file = folder / _VIDEOS / name
                frames = _film(file, recorded, episode, size=settings.video_size)
                record = _record({**common, **outcome}, file, frames)
                write_json(file.with_suffix(".json"), record)
                entries.append(_entry(record, f"{recording.dataset}/{_VIDEOS}/{name}"))
        write_episodes(folder / table.name, rows, also=_ALSO)
    return entries


def _filmed(settings: RecordedSettings, labels: Sequence[Label]) -> set[int]:
    """Return the initial conditions that the report gets a video of: the first ones."""
    return {label.initial_condition for label in labels[: settings.videos]}


def _film(file: Path, recorded: Dataset, episode: Episode, *, size: int) -> int:
    """Write what the cameras saw, in real time, and return the number of frames."""
    decoders = [decode_episode(recorded, episode, camera) for camera in recorded.info.cameras]
    with open_video(file, size=size) as writer:
        for frame, pictures in enumerate(zip(*decoders, strict=True)):
            strip = camera_strip(pictures, width=size, height=size)
            writer.write(strip, times=frame_repeats(frame, recorded.info.fps, VIDEO_FPS))
    return writer.frames


def _labels(run: Run, number: int, recording: Recording, checkpoint: str) -> dict[str, Any]:
    """Return who acts and where, for tables and records alike."""
    return {
        "arm": run.arm,
        "run": run.name,
        "seed": run.seed,
        "round": number,
        "dataset": recording.dataset,
        "task": recording.dataset,
        "variant": VARIANT,
        # The list is what the labels' numbers stand for; who sets the scene up again keeps it.
        "initial_conditions": f"{recording.dataset}-labels",
        "checkpoint_sha256": checkpoint,
    }


def _outcome(label: Label, episode: Episode, fps: float) -> dict[str, Any]:
    """Return how an episode went, for tables and records alike."""
    return {
        "episode": label.initial_condition,
        "initial_condition_seed": label.initial_condition,
        "success": label.success,
        "steps": episode.length,
        "duration_s": episode.length / fps,
    }


def _record(labels: Mapping[str, Any], file: Path, frames: int) -> dict[str, Any]:
    """Return the record of a video; a person judged it, so its last frame is not asked."""
    return {
        "schema_version": RECORD_SCHEMA_VERSION,
        **labels,
        "policy_loss": None,
        "fps": VIDEO_FPS,
        "frames": frames,
        "video_sha256": digest_file(file),
        "final_frame_check": None,
    }


def _entry(record: Mapping[str, Any], file: str) -> dict[str, Any]:
    keys = ("dataset", "round", "episode", "success", "frames")
    return {
        "file": file,
        "record": str(Path(file).with_suffix(".json")),
        "sha256": record["video_sha256"],
        **{key: record[key] for key in keys},
    }
