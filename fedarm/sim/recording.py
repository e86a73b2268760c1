"""Datasets of demonstrations, written by LeRobot's own writer.

Experts work in several processes; one process writes what they did, in a fixed order. A dataset's bytes
depend on its recipe and on nothing else, such as how many worked.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice, product
from pathlib import Path
from typing import Any

from fedarm.data.manifest import write_manifest
from fedarm.errors import DataError, ResultsError
from fedarm.lerobot_lean import lean_imports
from fedarm.logging import Progress, get_logger
from fedarm.paths import DatasetPaths, atomic_dir, read_json, write_json
from fedarm.processes import worker_pool
from fedarm.provenance import derive_seed
from fedarm.sim.expert import Demonstration, demonstrate
from fedarm.sim.tasks import CAMERA, CONTROL_FPS, JOINTS, get_task, get_variant

# What is in flight a worker: enough to keep all of them busy while the writer writes.
_AHEAD = 3
_LONGEST_EPISODE = 10_000
# An expert that fails more often than this is broken, and its successes are not a fair sample.
_MAX_FAILURE_SHARE = 0.2
_FREE_FAILURES = 3


@dataclass(frozen=True)
class Failure:
    """A demonstration that did not work and was left out."""

    task: str
    variant: str
    seed: int


@dataclass(frozen=True)
class RecordingSummary:
    """What became of a recording.

    Attributes:
        recorded: Episodes in the dataset.
        attempted: Demonstrations that were tried.
        failures: Those that were left out.
        frames: Frames in the dataset.
    """

    recorded: int
    attempted: int
    failures: tuple[Failure, ...]
    frames: int


@dataclass(frozen=True)
class _Job:
    """A demonstration to be made."""

    task: str
    variant: str
    seed: int
    image_size: int

    def run(self) -> Demonstration:
        return demonstrate(self.task, self.variant, seed=self.seed, image_size=self.image_size)


def record_version(paths: DatasetPaths, recipe: Mapping[str, Any], *, workers: int) -> None:
    """Record a dataset's version and write its manifest.

    Args:
        paths: Where to.
        recipe: `tasks`, `variants`, `episodes`, `seed` and `image_size`, as `record_dataset` takes them.
        workers: Processes for the experts.

    Raises:
        DataError: The expert fails too often.
        MachineError: Nothing can be rendered here.
        ResultsError: The folder cannot be written.
    """
    arguments = {
        key: recipe[key] for key in ("tasks", "variants", "episodes", "seed", "image_size")
    }
    total = recipe["episodes"] * len(recipe["tasks"]) * len(recipe["variants"])
    label = f"recording {paths.root.parent.name}"
    with Progress(total, label=label, unit="episodes") as progress:
        summary = record_dataset(
            paths.dataset, **arguments, workers=workers, progress=progress.advance
        )
    # What the expert recorded needs no repair; the file says so rather than being absent.
    write_json(paths.hotfixes, {"schema_version": 1, "hotfixes": []})
    write_manifest(
        paths.manifest,
        root=paths.dataset,
        recipe={**recipe, "left_out": [vars(failure) for failure in summary.failures]},
    )
    get_logger(__name__).info(
        f"{label}: {summary.recorded} of {summary.attempted} demonstrations worked, "
        f"{summary.frames} frames"
    )


def record_dataset(
    root: Path,
    *,
    tasks: Sequence[str],
    variants: Sequence[str],
    episodes: int,
    seed: int,
    image_size: int,
    workers: int,
    progress: Callable[[int], None] | None = None,
) -> RecordingSummary:
    """Record demonstrations of every task in every variant as a LeRobot v3 dataset.

    What fails is left out, counted, and made up for by the next seed.

    Args:
        root: The dataset's folder; replaced as a whole.
        tasks: Names of tasks.
        variants: Names of variants.
        episodes: Successful demonstrations of each task in each variant.
        seed: Root of the initial conditions.
        image_size: Side of the camera's picture, in pixels.
        workers: Processes for the experts.
        progress: Told how many more episodes are written.

    Raises:
        ConfigError: There is no such task or variant.
        DataError: The expert fails too often.
        MachineError: Nothing can be rendered here.
        ResultsError: The folder cannot be written.
    """
    pairs = [
        (get_task(task).name, get_variant(name).name) for task, name in product(tasks, variants)
    ]
    tally = _Tally()
    with atomic_dir(root) as temporary, _experts(workers) as run_all:
        made = _demonstrations(
            pairs, run_all, episodes=episodes, seed=seed, image_size=image_size, tally=tally
        )
        # LeRobot wants to create the folder itself.
        temporary.rmdir()
        write_dataset(
            temporary,
            (_rows(demonstration) for demonstration in made),
            repo_id=f"fedarm/{'_'.join(tasks)}",
            robot_type=get_task(tasks[0]).robot_type,
            image_size=image_size,
            progress=progress,
        )
    return tally.summary()


class _Tally:
    """Counts what worked and what did not."""

    def __init__(self) -> None:
        self._recorded = 0
        self._frames = 0
        self._failures: list[Failure] = []

    def count(self, job: _Job, demonstration: Demonstration) -> None:
        if demonstration.success:
            self._recorded += 1
            self._frames += demonstration.steps
            return
        self._failures.append(Failure(job.task, job.variant, job.seed))
        failed, attempted = len(self._failures), self._recorded + len(self._failures)
        if failed > max(_FREE_FAILURES, _MAX_FAILURE_SHARE * attempted):
            raise DataError(
                f"the scripted expert failed in {failed} of {attempted} demonstrations",
                key="tasks, variants",
                value=f"{job.task}, {job.variant}",
                remedy="see what it does: fedarm.sim.expert.demonstrate",
            )

    def summary(self) -> RecordingSummary:
        return RecordingSummary(
            recorded=self._recorded,
            attempted=self._recorded + len(self._failures),
            failures=tuple(self._failures),
            frames=self._frames,
        )


_RunAll = Callable[[Iterator[_Job]], Iterator[Demonstration]]


def _demonstrations(
    pairs: Sequence[tuple[str, str]],
    run_all: _RunAll,
    *,
    episodes: int,
    seed: int,
    image_size: int,
    tally: _Tally,
) -> Iterator[Demonstration]:
    """Yield the first `episodes` demonstrations of each pair that work, in the order of their seeds."""

    def job(pair: tuple[str, str], index: int) -> _Job:
        return _Job(*pair, derive_seed(seed, "demonstration", *pair, index), image_size)

    first = run_all(job(pair, index) for pair in pairs for index in range(episodes))
    for pair in pairs:
        worked = 0
        made = islice(first, episodes)
        index = 0
        while worked < episodes:
            demonstration = next(made, None) or next(run_all(iter([job(pair, index)])))
            tally.count(job(pair, index), demonstration)
            index += 1
            if demonstration.success:
                worked += 1
                yield demonstration


@contextmanager
def _experts(workers: int) -> Iterator[_RunAll]:
    """Yield a function that runs jobs in parallel and returns their results in order."""
    if workers == 1:
        yield lambda jobs: (job.run() for job in jobs)
        return
    with worker_pool(workers, module="fedarm.sim.expert") as pool:
        yield lambda jobs: _run_ahead(pool, jobs, ahead=_AHEAD * workers)


def _run_ahead(pool: Executor, jobs: Iterator[_Job], *, ahead: int) -> Iterator[Demonstration]:
    pending = deque(pool.submit(_Job.run, job) for job in islice(jobs, ahead))
    while pending:
        yield pending.popleft().result()
        pending.extend(pool.submit(_Job.run, job) for job in islice(jobs, 1))


def write_dataset(
    root: Path,
    episodes: Iterable[Iterable[Mapping[str, Any]]],
    *,
    repo_id: str,
    robot_type: str,
    image_size: int,
    more_features: Mapping[str, Any] | None = None,
    progress: Callable[[int], None] | None = None,
) -> None:
    """Write episodes of the lab with LeRobot's own writer; equal episodes give equal bytes.

    Args:
        root: The dataset's folder, which must not exist.
        episodes: Of each the rows: a value for every feature, and `task`.
        repo_id: What LeRobot calls the dataset.
        robot_type: What it calls the arm.
        image_size: Side of the camera's picture, in pixels.
        more_features: Features beside picture, state and action, as LeRobot declares them.
        progress: Told how many more episodes are written.

    Raises:
        ResultsError: The pictures cannot be encoded or written.
    """
    dataset = _create(
        root, repo_id=repo_id, robot_type=robot_type, image_size=image_size, more=more_features
    )
    try:
        for rows in episodes:
            for row in rows:
                dataset.add_frame(dict(row))
            dataset.save_episode(parallel_encoding=False)
            if progress is not None:
                progress(1)
    except RuntimeError as error:
        # Its encoder works in a thread, and LeRobot passes on only the words of what went wrong there.
        if "Encoder thread" not in str(error):
            raise
        raise ResultsError(
            f"the camera's pictures cannot be encoded: {error}",
            file=root,
            remedy="free some space, or set `results_dir` to a folder that you may write",
        ) from error
    finally:
        # Otherwise LeRobot does it when the object is collected, into a folder that is gone by then.
        dataset.finalize()
    # LeRobot lists the features in the order of a set, which is another in each process.
    statistics = root / "meta" / "stats.json"
    write_json(statistics, read_json(statistics))


def _rows(demonstration: Demonstration) -> Iterator[dict[str, Any]]:
    rows = zip(demonstration.states, demonstration.actions, demonstration.frames, strict=True)
    for state, action, frame in rows:
        yield {
            f"observation.images.{CAMERA}": frame,
            "observation.state": state,
            "action": action,
            "task": demonstration.instruction,
        }


def _create(
    root: Path,
    *,
    repo_id: str,
    robot_type: str,
    image_size: int,
    more: Mapping[str, Any] | None,
) -> Any:
    """Return an empty dataset, open for writing."""
    lean_imports(keep=("datasets", "av", "pandas"))
    import av
    import datasets
    from lerobot.configs.video import RGBEncoderConfig
    from lerobot.datasets.lerobot_dataset import LeRobotDataset

    # A page of messages an episode.
    av.logging.set_libav_level(av.logging.ERROR)
    datasets.disable_progress_bars()
    vector = {"dtype": "float32", "shape": (len(JOINTS),), "names": list(JOINTS)}
    image = {
        "dtype": "video",
        "shape": (image_size, image_size, 3),
        "names": ["height", "width", "channels"],
    }
    return LeRobotDataset.create(
        repo_id,
        CONTROL_FPS,
        {
            f"observation.images.{CAMERA}": image,
            "observation.state": vector,
            "action": vector,
            **(more or {}),
        },
        root=root,
        robot_type=robot_type,
        rgb_encoder=RGBEncoderConfig(vcodec="h264", crf=18, preset="ultrafast", g=2),
        streaming_encoding=True,
        video_backend="pyav",
        # Several encoder threads give other bytes on other machines.
        encoder_threads=1,
        # When this many frames wait, LeRobot drops the next one with a warning: it is made for frames
        # that come as a camera delivers them, and here an episode comes all at once.
        encoder_queue_maxsize=_LONGEST_EPISODE,
    )
