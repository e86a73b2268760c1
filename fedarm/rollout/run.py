"""The rollouts of an arm: all its checkpoints in all scenes, on initial conditions that all arms share.

Of each run:

    rollouts/<dataset>/episodes.parquet
    rollouts/<dataset>/videos/round_<0000>_episode_<000>.mp4, .json
    rollouts/videos.json      every video with its digest; written last

An arm with a plan of looks is rolled out look by look, until its margins are decided.

Where worker processes roll out, this one imports neither PyTorch nor MuJoCo: they would only wait for
it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, as_completed
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from fedarm.evaluation_settings import Look, RolloutSettings, Scene
from fedarm.logging import Progress, get_logger
from fedarm.paths import write_json
from fedarm.processes import worker_pool

VIDEOS_SCHEMA_VERSION = 1

_logger = get_logger(__name__)

# A run in a scene: what a process does at a time, and what a scene's folder is written from.
_Part = tuple[int, Scene]
_Videos = list[dict[str, Any]]


def rollout_runs(runs: Sequence[RolloutSettings], *, workers: int) -> None:
    """Roll out every checkpoint of some runs in every scene; write tables, videos and the videos' lists.

    Args:
        runs: What to roll out, and where to write: one training seed each, of one arm.
        workers: Processes, which share out runs and scenes. Their number does not change the results.

    Raises:
        CheckpointError: A checkpoint is missing, broken, or does not fit the scenes.
        ResultsError: The metrics are missing, or a folder cannot be written; or there is a plan of looks
            and the reference's rollouts are missing.
        MachineError: Nothing can be rendered here.
    """
    # Unseen scenes first: failures take longest, and no worker should be left with many at the end.
    parts = [
        (index, scene)
        for index, run in enumerate(runs)
        for scene in sorted(run.scenes, key=lambda scene: not scene.unseen)
    ]
    looks = _looks(runs)
    episodes = sum(_episodes_a_scene(run, look) * len(run.scenes) for run in runs for look in looks)
    videos: dict[_Part, _Videos] = {part: [] for part in parts}
    with (
        Progress(episodes, label=runs[0].run.name, unit="rollouts") as progress,
        _processes(min(workers, len(parts))) as pool,
    ):
        for look in looks:
            for part, of_part in _rolled_out(runs, parts, look=look, pool=pool, progress=progress):
                videos[part] += of_part
            if _is_decided(runs, look):
                break
    for index, run in enumerate(runs):
        listed = [video for scene in run.scenes for video in videos[index, scene]]
        write_json(run.paths.videos, {"schema_version": VIDEOS_SCHEMA_VERSION, "videos": listed})


def _looks(runs: Sequence[RolloutSettings]) -> list[Look]:
    plan = runs[0].plan
    looks = plan.looks if plan else 1
    return [Look(number, looks) for number in range(1, looks + 1)]


def _is_decided(runs: Sequence[RolloutSettings], look: Look) -> bool:
    """Return whether a look decides all margins, and say what it saw."""
    plan = runs[0].plan
    if plan is None:
        return False
    from fedarm.rollout.sequence import look_at

    seen = look_at(runs, plan, look)
    for margin, result in zip(plan.margins, seen, strict=True):
        _logger.info(
            "look %d of %d, margin %g: z %.2f, boundary %.2f: %s",
            *(look.number, look.of, margin, result.z, result.boundary),
            result.outcome or "not decided yet",
        )
    return all(result.outcome is not None for result in seen)


def _processes(workers: int) -> AbstractContextManager[Executor | None]:
    """Return worker processes, or None where this process does the work itself."""
    if workers == 1:
        from fedarm.rollout.part import forget_policies

        # Those of an earlier call in this process.
        forget_policies()
        return nullcontext()
    return worker_pool(workers, module="fedarm.rollout.part")


def _rolled_out(
    runs: Sequence[RolloutSettings],
    parts: Sequence[_Part],
    *,
    look: Look,
    pool: Executor | None,
    progress: Progress,
) -> Iterator[tuple[_Part, _Videos]]:
    """Roll out every part up to a look, and yield its new films."""
    if pool is None:
        for index, scene in parts:
            yield (index, scene), _roll_out(runs[index], scene, look, progress=progress)
        return
    tasks = {
        pool.submit(_roll_out, runs[index], scene, look): (index, scene) for index, scene in parts
    }
    try:
        for task in as_completed(tasks):
            yield tasks[task], task.result()
            progress.advance(_episodes_a_scene(runs[tasks[task][0]], look))
    except BaseException:
        # After an error nothing is begun any more.
        pool.shutdown(cancel_futures=True)
        raise


def _roll_out(
    settings: RolloutSettings, scene: Scene, look: Look, *, progress: Progress | None = None
) -> _Videos:
    """Roll out one run in one scene up to a look."""
    from fedarm.rollout.part import roll_out_part

    return roll_out_part(
        settings, scene, look, advance=progress.advance if progress else lambda _: None
    )


def _episodes_a_scene(settings: RolloutSettings, look: Look) -> int:
    return sum(len(look.episodes(checkpoint)) for checkpoint in settings.rounds)
