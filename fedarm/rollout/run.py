"""The rollouts of an arm: all its checkpoints in all scenes, on initial conditions that all arms share.

Of each run:

    rollouts/<dataset>/episodes.parquet
    rollouts/<dataset>/videos/round_<0000>_episode_<000>.mp4, .json
    rollouts/videos.json      every video with its digest; written last
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import lru_cache
from typing import Any

from fedarm.evaluation_settings import RolloutSettings, Scene
from fedarm.logging import Progress
from fedarm.paths import read_json, write_json
from fedarm.rollout.actor import Actor, load_actor
from fedarm.rollout.scene_rollout import roll_out_scene

VIDEOS_SCHEMA_VERSION = 1

# A run in a scene: what a process does at a time, and what a scene's folder is written from.
_Part = tuple[int, Scene]
_Videos = list[dict[str, Any]]


def rollout_runs(runs: Sequence[RolloutSettings], *, workers: int) -> None:
    """Roll out every checkpoint of some runs in every scene; write tables, videos and the videos' lists.

    Args:
        runs: What to roll out, and where to write: one training seed each.
        workers: Processes, which share out runs and scenes. Their number does not change the results.

    Raises:
        CheckpointError: A checkpoint is missing, broken, or does not fit the scenes.
        ResultsError: The metrics are missing, or a folder cannot be written.
        MachineError: Nothing can be rendered here.
    """
    parts = [(index, scene) for index, run in enumerate(runs) for scene in run.scenes]
    episodes = sum(_episodes_a_scene(run) * len(run.scenes) for run in runs)
    videos: dict[_Part, _Videos] = {}
    with Progress(episodes, label=runs[0].run.name, unit="rollouts") as progress:
        workers = min(workers, len(parts))
        rolled_out = _in_processes if workers > 1 else _in_this_process
        for part, of_part in rolled_out(runs, parts, workers=workers, progress=progress):
            videos[part] = of_part
    for index, run in enumerate(runs):
        listed = [video for scene in run.scenes for video in videos[index, scene]]
        write_json(run.paths.videos, {"schema_version": VIDEOS_SCHEMA_VERSION, "videos": listed})


def _in_this_process(
    runs: Sequence[RolloutSettings], parts: Sequence[_Part], *, workers: int, progress: Progress
) -> Iterator[tuple[_Part, _Videos]]:
    del workers
    # What an earlier call has loaded may have been trained anew since.
    _load_actors.cache_clear()
    for index, scene in parts:
        yield (index, scene), _roll_out(runs[index], scene, progress=progress)


def _in_processes(
    runs: Sequence[RolloutSettings], parts: Sequence[_Part], *, workers: int, progress: Progress
) -> Iterator[tuple[_Part, _Videos]]:
    # Not forked: a copy of a process with an open graphics context or with threads may hang.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        tasks = {
            pool.submit(_roll_out, runs[index], scene): (index, scene) for index, scene in parts
        }
        try:
            for task in as_completed(tasks):
                yield tasks[task], task.result()
                progress.advance(_episodes_a_scene(runs[tasks[task][0]]))
        finally:
            # After an error nothing is begun any more.
            pool.shutdown(cancel_futures=True)


def _roll_out(
    settings: RolloutSettings, scene: Scene, *, progress: Progress | None = None
) -> _Videos:
    """Roll out one run in one scene."""
    return roll_out_scene(
        settings,
        scene,
        actors={**_load_actors(settings), **_load_own_actors(settings, scene)},
        policy_losses=_policy_losses(read_json(settings.paths.metrics), scene.dataset),
        advance=progress.advance if progress else lambda _: None,
    )


# A process goes through the scenes of one run after the other.
@lru_cache(maxsize=1)
def _load_actors(settings: RolloutSettings) -> Mapping[int, Actor]:
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
