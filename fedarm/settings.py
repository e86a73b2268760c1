"""The settings of one training job: everything that it depends on, and nothing else.

`fedarm.experiment` derives them from the configuration; each has a digest, which its rule carries as a
parameter, so that the job runs again when its own settings change and only then. Those of the jobs that
evaluate what was trained are in `fedarm.evaluation_settings`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from fedarm.config import Arm
from fedarm.config_policies import Policy
from fedarm.config_training import Base, Training
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

    def identity(self) -> dict[str, Any]:
        """Return what the source is, for digests; where its files lie does not count."""
        return {
            "name": self.name,
            "version": self.version,
            "held_out": self.held_out,
            "split_seed": self.split_seed,
        }


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
                "sources": [source.identity() for source in self.sources],
                "evaluated": [source.identity() for source in self.evaluated],
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
