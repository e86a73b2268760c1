"""Replay: a run's final policy on held-out recorded episodes; nothing moves, so nothing succeeds.

replay/<dataset>/frames.parquet     every predicted action beside the recorded one (`replay_tables`)
replay/<dataset>/summary.json       errors by joint and by step of the horizon, and the policy loss
replay/<dataset>/videos/episode_<000>.mp4, .json

`summary.json`, schema version 1:

    arm, run, seed, round, checkpoint_sha256, dataset, unseen   whose policy, and on what
    episodes, looks, actions    held-out episodes, predictions, and predicted actions that were compared
    fps, chunk_size, n_action_steps
    policy_loss                 over the same looks; the random draws of a flow are those of every arm
    joints                      their names, in the order of the actions
    units                       by joint, as far as the recording says
    error                       by joint: `mean` and `p95` of the absolute error, over all actions
    error_executed              the same over the actions before the next look
    error_by_step               `actions`, `mean` and `p95` along the horizon
    hold_still                  by joint: mean absolute error of not moving at all; null where states and
                                actions are not of the same joints
    videos                      file, record and sha256 of each film

A dataset's folder is replaced as a whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from fedarm.data.calibration import Era, declared_era, detect_era, joint_units
from fedarm.data.dataset import open_metadata
from fedarm.data.frame_cache import CachedDataset
from fedarm.data.info import read_info
from fedarm.evaluation_settings import ReplayDataset, ReplaySettings
from fedarm.logging import Progress
from fedarm.paths import atomic_dir, write_json
from fedarm.policies.checkpoint import LoadedPolicy, digest_checkpoint, load_pretrained
from fedarm.provenance import digest_file
from fedarm.rollout.looks import Looks, check_dataset, look_at
from fedarm.rollout.recording import VIDEO_FPS, VideoWriter
from fedarm.rollout.replay_errors import absolute_error, error_by_joint, error_by_step
from fedarm.rollout.replay_film import FilmTitle, film_episode
from fedarm.rollout.replay_tables import joint_labels, write_frames
from fedarm.sim.scene import compile_scene
from fedarm.training.device import prepare_torch
from fedarm.training.rows import open_held_out

SCHEMA_VERSION = 1

_VIDEOS = "videos"


def replay_run(settings: ReplaySettings) -> None:
    """Replay a run's final policy on the held-out episodes of every dataset.

    Raises:
        CheckpointError: The checkpoint is missing, broken, or does not fit a dataset.
        DataError: A dataset cannot be read, or holds no episode out.
        ResultsError: The folder cannot be written.
    """
    device = prepare_torch()
    shared = settings.paths.pretrained_model(settings.round)
    policies: dict[Path, LoadedPolicy] = {}
    opened = {each.source.name: open_held_out(each.source) for each in settings.datasets}
    episodes = sum(len(held_out) for _, held_out in opened.values())
    label = f"replay of {settings.run.name} seed {settings.run.seed}"
    with Progress(episodes, label=label, unit="episodes") as progress:
        for dataset in settings.datasets:
            # Of the arms whose clients have policies of their own, that of the dataset's client.
            own = settings.paths.client_model(settings.round, dataset.source.name)
            folder = own if own.exists() else shared
            if folder not in policies:
                policies[folder] = load_pretrained(folder, expected=settings.policy)
                policies[folder].policy.to(device)
            cached, held_out = opened[dataset.source.name]
            check_dataset(policies[folder].policy, cached, folder)
            looks = look_at(policies[folder], cached, held_out)
            _write_replay(settings, dataset, looks, checkpoint_sha256=digest_checkpoint(folder))
            progress.advance(len(held_out))


def summarize(looks: Looks) -> dict[str, Any]:
    """Return what a replay's predictions amount to: the part of `summary.json` that is measured."""
    joints = joint_labels(looks.cached.action_names)
    errors = absolute_error(looks.predicted, looks.recorded)
    soon = np.s_[:, : looks.n_action_steps]
    still = None
    if looks.cached.state_names == looks.cached.action_names:
        pose = looks.cached.state[looks.rows][:, None].repeat(looks.is_pad.shape[1], axis=1)
        distance = absolute_error(pose, looks.recorded)
        still = _means(error_by_joint(distance, looks.is_pad, joints))
    return {
        "episodes": sorted({int(episode) for episode in looks.episode}),
        "looks": len(looks.rows),
        "actions": int((~looks.is_pad).sum()),
        "fps": looks.cached.fps,
        "chunk_size": looks.is_pad.shape[1],
        "n_action_steps": looks.n_action_steps,
        "policy_loss": looks.policy_loss,
        "error": error_by_joint(errors, looks.is_pad, joints),
        "error_executed": error_by_joint(errors[soon], looks.is_pad[soon], joints),
        "error_by_step": error_by_step(errors, looks.is_pad, joints),
        "hold_still": still,
        "joints": list(joints),
    }


def _write_replay(
    settings: ReplaySettings, dataset: ReplayDataset, looks: Looks, *, checkpoint_sha256: str
) -> None:
    """Write the folder of one dataset."""
    run = settings.run
    labels = {
        "arm": run.arm,
        "run": run.name,
        "seed": run.seed,
        "round": settings.round,
        "dataset": dataset.source.name,
    }
    units = joint_units(looks.cached.action_names, _era(dataset, looks.cached))
    frames = settings.paths.replay_frames(dataset.source.name)
    with atomic_dir(frames.parent) as folder:
        write_frames(folder / frames.name, looks, {**labels, "unseen": dataset.unseen})
        known = {**labels, "checkpoint_sha256": checkpoint_sha256}
        videos = _film(settings, dataset, looks, units=units, labels=known, folder=folder)
        write_json(
            folder / settings.paths.replay_summary(dataset.source.name).name,
            {
                "schema_version": SCHEMA_VERSION,
                **known,
                "unseen": dataset.unseen,
                "units": dict(zip(joint_labels(looks.cached.action_names), units, strict=True)),
                **summarize(looks),
                "videos": videos,
            },
        )


def _film(
    settings: ReplaySettings,
    dataset: ReplayDataset,
    looks: Looks,
    *,
    units: tuple[str, ...],
    labels: Mapping[str, Any],
    folder: Path,
) -> list[dict[str, Any]]:
    """Film the first held-out episodes, and return their entries in the summary."""
    recording = open_metadata(dataset.recording)
    scene = None
    if dataset.scene is not None:
        scene = compile_scene(dataset.scene.task, dataset.scene.variant)
    title = FilmTitle(
        settings.run.name,
        f"round {settings.round}  seed {settings.run.seed}",
        dataset.source.name,
    )
    entries = []
    held_out = sorted({int(index) for index in looks.episode})
    by_index = {episode.index: episode for episode in recording.episodes}
    for index in held_out[: settings.videos]:
        writer = film_episode(
            folder / _VIDEOS / f"episode_{index:03d}.mp4",
            looks,
            by_index[index],
            dataset=recording,
            title=title,
            units=units,
            scene=scene,
            size=settings.video_size,
        )
        record = _record(looks, index, writer, labels)
        write_json(writer.file.with_suffix(".json"), record)
        entries.append(_entry(record, f"{_VIDEOS}/{writer.file.name}"))
    return entries


def _entry(record: Mapping[str, Any], file: str) -> dict[str, Any]:
    """Return a film's entry in the summary."""
    return {
        "file": file,
        "record": str(Path(file).with_suffix(".json")),
        "sha256": record["video_sha256"],
        "episode": record["episode"],
    }


def _record(
    looks: Looks, episode: int, writer: VideoWriter, labels: Mapping[str, Any]
) -> dict[str, Any]:
    of_episode = looks.of_episode(episode)
    joints = joint_labels(looks.cached.action_names)
    errors = absolute_error(looks.predicted[of_episode], looks.recorded[of_episode])
    return {
        "schema_version": SCHEMA_VERSION,
        **labels,
        "episode": episode,
        "error": _means(error_by_joint(errors, looks.is_pad[of_episode], joints)),
        "policy_loss": looks.policy_loss,
        "duration_s": float(np.round(writer.frames / VIDEO_FPS, 6)),
        "fps": VIDEO_FPS,
        "frames": writer.frames,
        "video_sha256": digest_file(writer.file),
    }


def _means(errors: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    return {joint: error["mean"] for joint, error in errors.items()}


def _era(dataset: ReplayDataset, cached: CachedDataset) -> Era | None:
    """Return what a dataset's joint numbers mean, where it says so or leaves no doubt."""
    if dataset.scene is not None:
        return "degrees"
    declared = declared_era(read_info(dataset.recording), cached.action_names)
    if declared is not None:
        return declared
    guess = detect_era(cached.action_names, cached.action)
    return guess.era if guess.confident else None
