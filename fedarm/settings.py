"""The settings of one job: everything that a training or a rollout depends on, and nothing else.

`fedarm.experiment` derives them from the configuration; each has a digest, which its rule carries as a
parameter, so that the job runs again when its own settings change and only then.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from fedarm.config import Arm, Base, Training
from fedarm.config_policies import Policy
from fedarm.paths import RunPaths
from fedarm.provenance import digest_value


@dataclass(frozen=True)
class Run:
    """One training: an arm (or one client's local arm) and a seed.

    Attributes:
        arm: The arm's key in the configuration.
        name: The run's folder: the arm, or `local_<client>`.
        kind: How it trains.
        seed: The training seed.
        clients: The datasets that it trains on.
    """

    arm: str
    name: str
    kind: Literal["base", "local", "central", "federated"]
    seed: int
    clients: tuple[str, ...]


@dataclass(frozen=True)
class DataSource:
    """A dataset as training sees it.

    Attributes:
        name: The dataset's name in the configuration.
        cache: The folder of its frame cache.
        version: The version of its recipe.
        held_out: Episodes kept out of training.
        split_seed: Seed of the split into train and held-out episodes.
    """

    name: str
    cache: Path
    version: str
    held_out: int
    split_seed: int


@dataclass(frozen=True)
class Faults:
    """What happens when a client's reply is missing or cannot be used.

    Attributes:
        missing_reply: `fail` ends the run; `exclude` goes on with the others.
        min_clients: Replies that a round needs at least; None for one of every client.
        timeout_s: Seconds after which a reply is missing; None to wait for ever.
    """

    missing_reply: Literal["fail", "exclude"] = "fail"
    min_clients: int | None = None
    timeout_s: float | None = None

    @property
    def excludes(self) -> bool:
        """Whether rounds go on without a client."""
        return self.missing_reply == "exclude"

    def fewest(self, clients: int) -> int:
        """Return the replies that a round needs at least."""
        if self.excludes and self.min_clients is not None:
            return self.min_clients
        return clients


@dataclass(frozen=True)
class TrainSettings:
    """Everything that a training job depends on, and nothing else.

    Attributes:
        run: What is trained.
        arm: The arm's section, or None for the base's own pretraining.
        base: How the base policy comes about.
        policy: The architecture.
        training: Optimizer, schedule and budget (for the base, its own).
        rounds: Rounds; central and local training are checkpointed as often.
        exchange_dtype: How weights travel in a federated run.
        experiment_seed: Root of the random draws.
        sources: The datasets trained on, in the order of `run.clients`.
        evaluated: The datasets whose held-out loss is reported: clients, then unseen sets; none for
            the base, its own client and the unseen sets for a local arm.
        clients: Names of the client datasets.
        start: The checkpoint that every arm starts from; None for the base itself.
        checkpoints: Where checkpoints go.
        metrics: The metrics file.
        faults: What happens when a client does not answer.
        shaped_by: The recorded datasets whose cameras and joints a base without pretraining is made for;
            none where they are those of the lab, and for any other run.
    """

    run: Run
    arm: Arm | None
    base: Base
    policy: Policy
    training: Training
    rounds: int
    experiment_seed: int
    sources: tuple[DataSource, ...]
    evaluated: tuple[DataSource, ...]
    clients: tuple[str, ...]
    start: Path | None
    checkpoints: Path
    metrics: Path
    faults: Faults = Faults()
    exchange_dtype: Literal["float32", "bfloat16"] = "float32"
    shaped_by: tuple[DataSource, ...] = ()

    @property
    def samples(self) -> int:
        """The run's budget: a local arm has its client's share, every other arm the whole."""
        if self.run.kind == "local":
            return self.training.samples // len(self.clients)
        return self.training.samples

    @property
    def steps(self) -> int:
        """Optimizer steps of the run, over all its clients together."""
        return self.samples // self.training.batch_size

    @property
    def local_steps(self) -> int:
        """Optimizer steps of one client in one round of a federated run."""
        return self.steps // (self.rounds * len(self.sources))

    def steps_until(self, round_number: int) -> int:
        """Optimizer steps done after a round, over all clients together."""
        if self.run.kind == "federated":
            return self.local_steps * len(self.sources) * round_number
        return self.steps * round_number // self.rounds

    def is_kept(self, round_number: int) -> bool:
        """Return whether a round's checkpoint stays on disk."""
        return round_number == self.rounds or round_number % self.training.keep_every == 0

    def digest(self) -> str:
        """Return the digest of the settings; where files lie does not count."""
        return digest_value(
            {
                "run": vars(self.run),
                "arm": self.arm.model_dump(mode="json") if self.arm else None,
                # A trained arm depends on the base through its checkpoint, an input of its own.
                "base": self.base.model_dump(mode="json") if self.start is None else None,
                "policy": self.policy.model_dump(mode="json"),
                "training": self.training.model_dump(mode="json"),
                "rounds": self.rounds,
                "experiment_seed": self.experiment_seed,
                "sources": [_source_identity(source) for source in self.sources],
                "evaluated": [_source_identity(source) for source in self.evaluated],
                "share": len(self.clients) if self.run.kind == "local" else 1,
                # Where cameras and joints come from; which rows are held out is nothing to a base.
                **(
                    {"shaped_by": [[source.name, source.version] for source in self.shaped_by]}
                    if self.shaped_by
                    else {}
                ),
                # How long to wait before a run fails changes no result.
                **({"faults": vars(self.faults)} if self.faults.excludes else {}),
                # An experiment that says nothing of it has the digest that it had before one could.
                **(
                    {"exchange_dtype": self.exchange_dtype}
                    if self.exchange_dtype != "float32"
                    else {}
                ),
            }
        )


@dataclass(frozen=True)
class Runtime:
    """Where the clients of a federated run do their work; the result does not depend on it.

    Attributes:
        kind: `inprocess`, `simulation` or `deployment`.
        workers: Clients that work at the same time, where this machine does the work.
        client_cpus: Cores that Ray sets aside for a client.
        client_gpus: GPUs that Ray sets aside for a client.
        connection: Flower's name of the SuperLink of a deployment.
    """

    kind: Literal["inprocess", "simulation", "deployment"] = "inprocess"
    workers: int = 1
    client_cpus: float = 1
    client_gpus: float = 0
    connection: str | None = None


@dataclass(frozen=True)
class Scene:
    """Where rollouts take place: the task and variant of a client's or an unseen dataset.

    Attributes:
        dataset: The dataset's name.
        task: Its task.
        variant: Its variant.
        unseen: Whether no arm is trained on it.
        camera_size: Side of the camera's picture, pixels; the policy sees it shrunk to its own size.
    """

    dataset: str
    task: str
    variant: str
    unseen: bool
    camera_size: int


@dataclass(frozen=True)
class RolloutRound:
    """How a checkpoint is rolled out: the first `episodes` initial conditions of every scene."""

    round: int
    episodes: int
    final: bool


@dataclass(frozen=True)
class RolloutSettings:
    """Everything that a rollout job depends on.

    Attributes:
        run: Whose checkpoints are rolled out.
        scenes: The client tasks, then the unseen ones.
        rounds: Checkpoints, progress rounds first and the last round last.
        videos: Episodes a scene and round that are filmed.
        video_size: Side of the video's frames, in pixels.
        experiment_seed: Root of the initial conditions.
        paths: The run's files.
        as_dataset: Whether the last round's episodes become a LeRobot dataset.
    """

    run: Run
    scenes: tuple[Scene, ...]
    rounds: tuple[RolloutRound, ...]
    videos: int
    video_size: int
    experiment_seed: int
    paths: RunPaths
    as_dataset: bool = False

    def digest(self) -> str:
        """Return the digest of the settings; where files lie does not count."""
        return digest_value(
            {
                "run": vars(self.run),
                "scenes": [vars(scene) for scene in self.scenes],
                "rounds": [vars(number) for number in self.rounds],
                "videos": self.videos,
                "video_size": self.video_size,
                "experiment_seed": self.experiment_seed,
                **({"as_dataset": True} if self.as_dataset else {}),
            }
        )


@dataclass(frozen=True)
class Tile:
    """A filmed episode of a run's checkpoint, as a part of a reel.

    Attributes:
        run: Whose policy acts.
        round: After which round.
        paths: The run's files.
    """

    run: Run
    round: int
    paths: RunPaths


@dataclass(frozen=True)
class Reel:
    """A video of several filmed episodes that start from the same initial condition.

    Attributes:
        name: The file's name, without its ending.
        dataset: Whose task is shown.
        rows: What stands where.
    """

    name: str
    dataset: str
    rows: tuple[tuple[Tile, ...], ...]

    def identity(self) -> dict[str, Any]:
        """Return what the reel shows; where files lie does not count."""
        rows = [[[*vars(tile.run).values(), tile.round] for tile in row] for row in self.rows]
        return {"name": self.name, "dataset": self.dataset, "rows": rows}


@dataclass(frozen=True)
class ReplayDataset:
    """A dataset on whose held-out episodes a policy is replayed.

    Attributes:
        source: The dataset as training sees it.
        recording: The folder of the dataset itself, whose videos are filmed.
        unseen: Whether no arm is trained on it.
        scene: The simulator's scene of which it is; None for a dataset of the hub or of a folder.
    """

    source: DataSource
    recording: Path
    unseen: bool
    scene: Scene | None


@dataclass(frozen=True)
class ReplaySettings:
    """Everything that a replay job depends on.

    Attributes:
        run: Whose final checkpoint is replayed.
        datasets: The clients' datasets, then the unseen ones.
        round: The round of the checkpoint.
        policy: The architecture that it must have.
        videos: Episodes a dataset that are filmed.
        video_size: Side of the films' frames, in pixels.
        paths: The run's files.
    """

    run: Run
    datasets: tuple[ReplayDataset, ...]
    round: int
    policy: Policy
    videos: int
    video_size: int
    paths: RunPaths

    def digest(self) -> str:
        """Return the digest of the settings; where files lie does not count."""
        return digest_value(
            {
                "run": vars(self.run),
                "datasets": [
                    {
                        **_source_identity(each.source),
                        "unseen": each.unseen,
                        "scene": vars(each.scene) if each.scene else None,
                    }
                    for each in self.datasets
                ],
                "round": self.round,
                "policy": self.policy.model_dump(mode="json"),
                "videos": self.videos,
                "video_size": self.video_size,
            }
        )


@dataclass(frozen=True)
class Recording:
    """Episodes of policies on a real arm, doing the task of a client's or an unseen dataset.

    Attributes:
        dataset: The dataset's name.
        folder: The LeRobot dataset into which the episodes were recorded.
        unseen: Whether no arm is trained on that dataset.
    """

    dataset: str
    folder: Path
    unseen: bool


@dataclass(frozen=True)
class RecordedSettings:
    """Everything that the collecting of labelled episodes depends on.

    Attributes:
        runs: The runs that were on the real arm, each with its final round and its files.
        labels: The labels' CSV file.
        recordings: The recorded episodes by dataset: clients, then unseen ones.
        videos: Initial conditions a dataset of which the report gets a video of every run.
        video_size: Side of the videos' frames, in pixels.
    """

    runs: tuple[tuple[Run, int, RunPaths], ...]
    labels: Path
    recordings: tuple[Recording, ...]
    videos: int
    video_size: int

    def digest(self, content: Any) -> str:
        """Return the digest of the settings and of the content of the labels and recordings."""
        return digest_value(
            {
                "runs": [[vars(run), number] for run, number, _ in self.runs],
                "recordings": [[each.dataset, each.unseen] for each in self.recordings],
                "videos": self.videos,
                "video_size": self.video_size,
                "content": content,
            }
        )


def _source_identity(source: DataSource) -> dict[str, Any]:
    return {
        "name": source.name,
        "version": source.version,
        "held_out": source.held_out,
        "split_seed": source.split_seed,
    }
