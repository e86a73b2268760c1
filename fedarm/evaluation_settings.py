"""The settings of one job that evaluates what was trained: rollouts, reels, replays, labelled episodes.

`fedarm.experiment` derives them from the configuration; like those of training jobs (`fedarm.settings`),
each has what its rule carries as a parameter.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fedarm.config_policies import Policy
from fedarm.paths import RunPaths
from fedarm.provenance import digest_value
from fedarm.settings import DataSource, Run


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
class LookPlan:
    """When a federated arm's rollouts may stop, because its margins are decided.

    Attributes:
        looks: How often one looks; after the last, all episodes are there.
        margins: Shares of the reference's success that may be lost.
        datasets: The clients' datasets, on whose tasks success counts.
        reference: The reference's runs, which are rolled out to the end.
    """

    looks: int
    margins: tuple[float, ...]
    datasets: tuple[str, ...]
    reference: tuple[RunPaths, ...]

    def identity(self) -> dict[str, Any]:
        """Return what the plan says; where files lie does not count."""
        return {"looks": self.looks, "margins": self.margins, "datasets": self.datasets}


@dataclass(frozen=True)
class Look:
    """One of equally many episodes after each of which one looks.

    Attributes:
        number: Which, counted from 1.
        of: How many there are.
    """

    number: int = 1
    of: int = 1

    def episodes(self, checkpoint: RolloutRound) -> range:
        """Return a checkpoint's episodes before this look and after the one before it.

        Those of earlier rounds than the last are over before the first look.
        """
        if not checkpoint.final:
            return range(checkpoint.episodes if self.number == 1 else 0)
        each = checkpoint.episodes // self.of
        return range((self.number - 1) * each, self.number * each)


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
        plan: When the rollouts may stop; None where all are wanted.
    """

    run: Run
    scenes: tuple[Scene, ...]
    rounds: tuple[RolloutRound, ...]
    videos: int
    video_size: int
    experiment_seed: int
    paths: RunPaths
    as_dataset: bool = False
    plan: LookPlan | None = None

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
                **({"plan": self.plan.identity()} if self.plan else {}),
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
                        **each.source.identity(),
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
