"""All checkpoints of a run in one scene: the scene's folder, replaced as a whole.

    episodes.parquet
    videos/round_<0000>_episode_<000>.mp4, .json
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from fedarm.experiment import RolloutRound, RolloutSettings, Scene
from fedarm.paths import atomic_dir, write_json
from fedarm.provenance import derive_seed, digest_file
from fedarm.rollout.actor import Actor
from fedarm.rollout.closed_loop import EpisodeResult, roll_out
from fedarm.rollout.film import Film, Title, film_record
from fedarm.rollout.recording import open_video
from fedarm.rollout.tables import write_episodes
from fedarm.sim.scene import compile_scene
from fedarm.sim.tasks import CONTROL_FPS, get_task


def roll_out_scene(
    settings: RolloutSettings,
    scene: Scene,
    actors: Mapping[int, Actor],
    *,
    policy_losses: Mapping[int, float],
    advance: Callable[[int], None],
) -> list[dict[str, Any]]:
    """Roll out every checkpoint in one scene.

    Args:
        settings: The run's settings.
        scene: Where.
        actors: The policies by round.
        policy_losses: Held-out losses on the scene's dataset by round, where there are any.
        advance: Told how many more episodes are done.

    Returns:
        The scene's entries in `videos.json`.

    Raises:
        ResultsError: The scene's folder cannot be written.
    """
    rows: list[dict[str, Any]] = []
    videos: list[dict[str, Any]] = []
    with atomic_dir(settings.paths.rollouts / scene.dataset) as folder:
        for number in settings.rounds:
            actor = actors[number.round]
            labels = _labels(settings, scene, number, actor)
            films = _video_files(folder, number, settings.videos)
            results = _roll_out_round(settings, scene, number, actor=actor, films=films)
            rows.extend({**labels, **_outcome(result)} | result.distances for result in results)
            for episode, file in films.items():
                record = film_record(
                    file,
                    labels={**labels, **_outcome(results[episode])},
                    policy_loss=policy_losses.get(number.round),
                    final_frame_check=0,
                )
                write_json(file.with_suffix(".json"), record)
                videos.append(_entry(file, scene, record))
            advance(number.episodes)
        write_episodes(folder / settings.paths.episodes(scene.dataset).name, rows)
    return videos
