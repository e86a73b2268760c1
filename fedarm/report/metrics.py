"""Budgets and losses of a run, from its `metrics.json` or `federated_metrics.json`."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from fedarm.checked_json import read_checked
from fedarm.errors import ResultsError
from fedarm.report.inputs import RunFolder


class _Record(BaseModel):
    # Training may write more than the report reads.
    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


class Checkpoint(_Record):
    """The final checkpoint."""

    round: int
    sha256: str


class ClientExclusion(_Record):
    """A client that a round went on without.

    Attributes:
        client: The client.
        stage: `train` or `evaluate`.
        reason: What was wrong with its reply.
        detail: The same more exactly; perhaps empty.
    """

    client: str
    stage: str
    reason: str
    detail: str


class Round(_Record):
    """A round: the losses after it, and what it cost.

    Attributes:
        round: Its number; 0 is the start, before any training.
        samples: Samples seen in it.
        held_out_loss: Policy loss on held-out episodes, by dataset.
        bytes_up: Bytes that the clients sent.
        bytes_down: Bytes that were sent to the clients.
        seconds: How long it took.
        exclusions: Clients that it went on without.
    """

    round: int
    samples: int = 0
    held_out_loss: dict[str, float] = {}
    bytes_up: int = 0
    bytes_down: int = 0
    seconds: float = 0.0
    exclusions: tuple[ClientExclusion, ...] = ()


class RunMetrics(_Record):
    """What a run's training has written."""

    schema_version: Literal[1]
    arm: str
    kind: str
    seed: int
    samples: int
    samples_per_client: dict[str, int]
    batch_size: int
    optimizer_steps: int
    parameters: int
    rounds: tuple[Round, ...]
    checkpoint: Checkpoint

    @property
    def final_loss(self) -> dict[str, float]:
        """Held-out loss of the final checkpoint, by dataset."""
        return self.rounds[-1].held_out_loss if self.rounds else {}


def read_metrics(run: RunFolder) -> RunMetrics:
    """Read and check a run's metrics.

    Raises:
        ResultsError: The file is missing, breaks the schema, or is of another run.
    """
    file = run.files.metrics
    remedy = "train the run again"
    metrics = read_checked(
        RunMetrics, file, remedy=remedy, problem="the metrics are not of schema version 1"
    )
    for key, expected in (("arm", run.arm), ("kind", run.kind), ("seed", run.seed)):
        if getattr(metrics, key) != expected:
            raise ResultsError(
                f"the metrics are of another run: expected {expected!r}",
                file=file,
                key=key,
                value=getattr(metrics, key),
                remedy=remedy,
            )
    numbers = [line.round for line in metrics.rounds]
    if numbers != sorted(set(numbers)):
        raise ResultsError(
            "rounds are repeated or out of order",
            file=file,
            key="rounds",
            value=numbers,
            remedy=remedy,
        )
    return metrics
