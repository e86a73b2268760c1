"""All checkpoints of a run in one scene: the scene's folder, replaced as a whole.

episodes.parquet
videos/round_<0000>_episode_<000>.mp4, .json
dataset/            the last round as a LeRobot dataset, if `rollout.as_dataset` is set
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from fedarm.evaluation_settings import Look, RolloutRound, RolloutSettings, Scene
from fedarm.paths import atomic_dir, write_json
from fedarm.rollout.actor import Actor
from fedarm.rollout.closed_loop import EpisodeResult, Observer, Together, roll_out
from fedarm.rollout.episode_dataset import Take, write_takes
from fedarm.rollout.film import Film, Title, film_record
from fedarm.rollout.recording import open_video
from fedarm.rollout.tables import read_rows, write_episodes
from fedarm.sim.initial_conditions import InitialConditions
from fedarm.sim.scene import compile_scene
from fedarm.sim.tasks import CONTROL_FPS

_VIDEOS = "videos"
_DATASET = "dataset"


def roll_out_scene(
    settings: RolloutSettings,
    scene: Scene,
    *,
    actors: Mapping[int, Actor],
    policy_losses: Mapping[int, float],
    advance: Callable[[int], None],
    look: Look = Look(),  # noqa: B008 - frozen
) -> list[dict[str, Any]]:
    """Roll out every checkpoint of a run in one scene.

    With several looks, the last checkpoint's share of one look; what came before it is kept.

    Args:
        settings: The run's settings.
        scene: Where.
        actors: The policies by round.
        policy_losses: Held-out losses on the scene's dataset by round, where there are any.
        advance: Told how many more episodes are done.
        look: Up to which look, from the one before it.

    Returns:
        The new films' entries in `videos.json`.

    Raises:
        ResultsError: The scene's folder cannot be written.
    """
    rows: list[dict[str, Any]] = []
    videos: list[dict[str, Any]] = []
    table = settings.paths.episodes(scene.dataset)
    with atomic_dir(table.parent) as folder:
        if look.number > 1:
            rows = read_rows(table)
            _keep_videos(table.parent, folder)
        for number in settings.rounds:
            episodes = look.episodes(number)
            if not episodes:
                continue
            actor = actors[number.round]
            takes = _takes(settings, scene, number)
            results, films = _roll_out_round(
                settings,
                scene,
                number=number,
                episodes=episodes,
                actor=actor,
                videos=folder / _VIDEOS,
                takes=takes,
            )
            if takes:
                task = compile_scene(scene.task, scene.variant).task
                write_takes(folder / _DATASET, takes, task=task, camera_size=scene.camera_size)
            common = _labels(settings, scene, number=number, actor=actor)
            flags = {"final": number.final, "unseen": scene.unseen}
            rows.extend({**common, **flags, **_row(result)} for result in results)
            for episode, film in films.items():
                labels = {**common, **_outcome(results[episode])}
                record = film_record(film, labels, policy_loss=policy_losses.get(number.round))
                write_json(film.writer.file.with_suffix(".json"), record)
                videos.append(_entry(record, f"{scene.dataset}/{_VIDEOS}/{film.writer.file.name}"))
            advance(len(episodes))
        write_episodes(folder / table.name, rows)
    return videos


def _keep_videos(before: Path, folder: Path) -> None:
    if (before / _VIDEOS).exists():
        shutil.copytree(before / _VIDEOS, folder / _VIDEOS)


def _takes(settings: RolloutSettings, scene: Scene, number: RolloutRound) -> list[Take]:
    """Return an observer an episode, if the round's episodes are to become a dataset."""
    if not (settings.as_dataset and number.final):
        return []
    return [Take(scene.camera_size) for _ in range(number.episodes)]


def _roll_out_round(
    settings: RolloutSettings,
    scene: Scene,
    *,
    number: RolloutRound,
    episodes: range,
    actor: Actor,
    videos: Path,
    takes: Sequence[Take],
) -> tuple[list[EpisodeResult], dict[int, Film]]:
    """Roll out some episodes of one checkpoint and film the round's first."""
    compiled = compile_scene(scene.task, scene.variant)
    conditions = _initial_conditions(settings, scene)
    title = Title(settings.run.name, number.round, settings.run.seed, scene.dataset)
    with ExitStack() as stack:
        films = {}
        for episode in range(episodes.start, min(settings.videos, episodes.stop)):
            file = videos / f"round_{number.round:04d}_episode_{episode:03d}.mp4"
            writer = stack.enter_context(open_video(file, size=settings.video_size))
            films[episode] = Film(
                writer,
                compiled,
                title=title,
                size=settings.video_size,
                n_action_steps=actor.controller.n_action_steps,
            )
        results = roll_out(
            compiled,
            [conditions.seed(entry) for entry in episodes],
            controller=actor.told(compiled.task.instruction),
            horizon_steps=compiled.task.horizon_steps,
            camera_size=scene.camera_size,
            observers=_observers(films, takes),
            first=episodes.start,
        )
    return results, films


def _observers(films: Mapping[int, Film], takes: Sequence[Take]) -> dict[int, Observer]:
    """Return who watches which episode."""
    observers: dict[int, Observer] = {**dict(enumerate(takes)), **films}
    both = films.keys() & set(range(len(takes)))
    return observers | {index: Together((takes[index], films[index])) for index in both}


def _initial_conditions(settings: RolloutSettings, scene: Scene) -> InitialConditions:
    """Return the list that all arms, training seeds and rounds share in a scene."""
    return InitialConditions(settings.experiment_seed, scene.task, scene.variant)


def _labels(
    settings: RolloutSettings, scene: Scene, *, number: RolloutRound, actor: Actor
) -> dict[str, Any]:
    """Return who acts and where, for tables and records alike."""
    return {
        "arm": settings.run.arm,
        "run": settings.run.name,
        "seed": settings.run.seed,
        "round": number.round,
        "dataset": scene.dataset,
        "task": scene.task,
        "variant": scene.variant,
        "initial_conditions": _initial_conditions(settings, scene).name,
        "checkpoint_sha256": actor.checkpoint_sha256,
    }


def _outcome(result: EpisodeResult) -> dict[str, Any]:
    """Return how an episode went, for tables and records alike."""
    return {
        "episode": result.episode,
        "initial_condition_seed": result.seed,
        "success": result.success,
        "steps": result.steps,
        "duration_s": result.steps / CONTROL_FPS,
    }


def _row(result: EpisodeResult) -> dict[str, Any]:
    return {**_outcome(result), "return": result.reward_sum, **result.distances, **result.start}


def _entry(record: Mapping[str, Any], file: str) -> dict[str, Any]:
    """Return a video's entry in the list of videos."""
    keys = ("dataset", "round", "episode", "success", "frames")
    return {
        "file": file,
        "record": str(Path(file).with_suffix(".json")),
        "sha256": record["video_sha256"],
        **{key: record[key] for key in keys},
    }
