"""The rollouts of one run: all its checkpoints in all scenes, on initial conditions that all runs share.

rollouts/<dataset>/episodes.parquet
rollouts/<dataset>/videos/round_<0000>_episode_<000>.mp4, .json
rollouts/videos.json      every video with its digest; written last
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Any

from fedarm.logging import Progress
from fedarm.paths import read_json, write_json
from fedarm.rollout.actor import Actor, load_actor
from fedarm.rollout.scene_rollout import roll_out_scene
from fedarm.settings import RolloutSettings, Scene

VIDEOS_SCHEMA_VERSION = 1


def rollout_run(settings: RolloutSettings, *, workers: int) -> None:
    """Roll out every checkpoint of a run in every scene; write tables, videos and the videos' list.

    Args:
        settings: What to roll out, and where to write.
        workers: Processes, which share out the scenes. Their number does not change the results.

    Raises:
        CheckpointError: A checkpoint is missing, broken, or does not fit the scenes.
        ResultsError: The metrics are missing, or the folder cannot be written.
        MachineError: Nothing can be rendered here.
    """
    episodes = _episodes_a_scene(settings) * len(settings.scenes)
    label = f"{settings.run.name} seed {settings.run.seed}"
    with Progress(episodes, label=label, unit="rollouts") as progress:
        if workers > 1:
            videos = _in_processes(settings, workers=workers, progress=progress)
        else:
            actors = _load_actors(settings)
            videos = {
                scene.dataset: _roll_out(settings, scene, actors=actors, progress=progress)
                for scene in settings.scenes
            }
    listed = [video for scene in settings.scenes for video in videos[scene.dataset]]
    write_json(settings.paths.videos, {"schema_version": VIDEOS_SCHEMA_VERSION, "videos": listed})


def _in_processes(
    settings: RolloutSettings, *, workers: int, progress: Progress
) -> dict[str, list[dict[str, Any]]]:
    # Not forked: a copy of a process with an open graphics context or with threads may hang.
    context = multiprocessing.get_context("spawn")
    videos = {}
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        tasks = {pool.submit(_roll_out_alone, settings, scene): scene for scene in settings.scenes}
        for task in as_completed(tasks):
            videos[tasks[task].dataset] = task.result()
            progress.advance(_episodes_a_scene(settings))
    return videos


def _roll_out_alone(settings: RolloutSettings, scene: Scene) -> list[dict[str, Any]]:
    """Roll out one scene in a process of its own."""
    return _roll_out(settings, scene, actors=_load_actors(settings), progress=None)


def _roll_out(
    settings: RolloutSettings,
    scene: Scene,
    *,
    actors: Mapping[int, Actor],
    progress: Progress | None,
) -> list[dict[str, Any]]:
    return roll_out_scene(
        settings,
        scene,
        actors={**actors, **_load_own_actors(settings, scene)},
        policy_losses=_policy_losses(read_json(settings.paths.metrics), scene.dataset),
        advance=progress.advance if progress else lambda _: None,
    )


def _load_actors(settings: RolloutSettings) -> dict[int, Actor]:
    """Return the policies by round; all of them first, so that a missing one is said at once."""
    return {
        number.round: load_actor(settings.paths.pretrained_model(number.round))
        for number in settings.rounds
    }


def _load_own_actors(settings: RolloutSettings, scene: Scene) -> dict[int, Actor]:
    """Return by round the policies of the client whose task it is, of arms that have such policies."""
    folders = {
        number.round: settings.paths.client_model(number.round, scene.dataset)
        for number in settings.rounds
    }
    return {number: load_actor(folder) for number, folder in folders.items() if folder.exists()}


def _policy_losses(metrics: Mapping[str, Any], dataset: str) -> dict[int, float]:
    """Return the held-out losses on a dataset by round, as far as training has measured them."""
    return {
        line["round"]: line["held_out_loss"][dataset]
        for line in metrics["rounds"]
        if dataset in line["held_out_loss"]
    }


def _episodes_a_scene(settings: RolloutSettings) -> int:
    return sum(number.episodes for number in settings.rounds)
