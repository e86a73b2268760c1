"""The page's player: a task and an initial condition, and every arm's film of it, side by side."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fedarm.errors import VideoError
from fedarm.report import wording
from fedarm.report.clips import SmallFilm
from fedarm.report.experiment import ExperimentResults
from fedarm.report.kept_clips import small_film
from fedarm.report.videos import Clip

# A page of 12 MB is still sent by mail; as text in it, films take a third more than as files.
ROOM_BYTES = 6_000_000


@dataclass(frozen=True)
class Film:
    """A film as the player shows it.

    Attributes:
        name: Whose policy acts, in words.
        success: How it went; None where nothing was tried.
        steps: Control steps until success, or until the horizon.
        duration_s: The same in seconds.
        file: The MP4 file.
    """

    name: str
    success: bool | None
    steps: int | None
    duration_s: float | None
    file: Path


@dataclass(frozen=True)
class Scene:
    """What was filmed on one initial condition of a task.

    Attributes:
        task: The task, in words.
        start: The initial condition, in words.
        films: A film an arm.
    """

    task: str
    start: str
    films: tuple[Film, ...]


@dataclass(frozen=True)
class Player:
    """What a player of the page holds.

    Attributes:
        key: Sets its parts apart from those of another player.
        tasks: `{title, starts: [{title, films: [...]}]}`, where a film says which of `clips` it is.
        clips: MP4 in base64.
        left_out: Scenes for which there was no room.
        damaged: Films that cannot be read.
    """

    key: str
    tasks: tuple[dict[str, Any], ...]
    clips: tuple[str, ...]
    left_out: tuple[str, ...]
    damaged: tuple[str, ...]


def rollout_player(results: ExperimentResults) -> Player:
    """Return the player of the final checkpoints' rollouts."""
    return fill_player("rollouts", rollout_scenes(results))


def rollout_scenes(results: ExperimentResults) -> list[Scene]:
    """Return what was filmed of the arms' first seeds: all tasks' first initial condition, and so on."""
    settings = results.settings
    first = {name: settings.runs_of(name)[0].seed for name in settings.names}
    found: dict[tuple[int, int, int], list[Clip]] = {}
    for clip in results.clips:
        if clip.seed == first[clip.name]:
            task = settings.datasets.index(clip.dataset)
            found.setdefault((clip.episode, task, clip.initial_condition_seed), []).append(clip)
    return [
        Scene(
            task=_task_title(results, clips[0].dataset),
            start=f"initial condition {episode + 1}",
            films=tuple(_film(clip) for clip in clips),
        )
        for (episode, _, _), clips in sorted(found.items(), key=lambda item: item[0])
    ]


def fill_player(key: str, scenes: Sequence[Scene], *, room: int = ROOM_BYTES) -> Player:
    """Return a player with as many scenes as there is room for, each of them whole.

    Args:
        key: Sets its parts apart from those of another player.
        scenes: What was filmed, the most wanted first.
        room: Bytes that the films may take together.
    """
    tasks: dict[str, list[dict[str, Any]]] = {}
    clips: list[str] = []
    left_out: list[str] = []
    damaged: list[str] = []
    for scene in scenes:
        where = f"{scene.task}, {scene.start}"
        # Once one does not fit, smaller ones after it are not taken either: the first ones are shown.
        shrunk = [] if left_out else [(film, _shrink(film)) for film in scene.films]
        room -= sum(len(small.mp4) for _, small in shrunk if small)
        if left_out or room < 0:
            left_out.append(where)
            continue
        damaged += [f"{film.name} on {where}" for film, small in shrunk if small is None]
        shown = [(film, small) for film, small in shrunk if small is not None]
        if shown:
            entries = [_entry(film, small, len(clips) + k) for k, (film, small) in enumerate(shown)]
            tasks.setdefault(scene.task, []).append({"title": scene.start, "films": entries})
            clips += [base64.b64encode(small.mp4).decode() for _, small in shown]
    return Player(
        key=key,
        tasks=tuple({"title": title, "starts": starts} for title, starts in tasks.items()),
        clips=tuple(clips),
        left_out=tuple(left_out),
        damaged=tuple(damaged),
    )


def _task_title(results: ExperimentResults, dataset: str) -> str:
    unseen = " (unseen)" if dataset in results.settings.unseen else ""
    return f"{wording.label(dataset)}{unseen}"


def _film(clip: Clip) -> Film:
    return Film(
        name=wording.label(clip.name),
        success=clip.success,
        steps=clip.steps,
        duration_s=clip.duration_s,
        file=clip.file,
    )


def _shrink(film: Film) -> SmallFilm | None:
    try:
        return small_film(film.file)
    except VideoError:
        return None


def _entry(film: Film, small: SmallFilm, clip: int) -> dict[str, Any]:
    return {
        "name": film.name,
        "success": film.success,
        "steps": film.steps,
        "duration_s": film.duration_s,
        "seconds": round(small.seconds, 3),
        "clip": clip,
    }
