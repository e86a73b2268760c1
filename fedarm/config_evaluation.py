"""The `evaluation` section of the configuration: how the trained arms are evaluated.

Only successes decide: those of rollouts in the simulator (`closed_loop`), or those that a person saw on
a real arm (`recorded`). `replay` compares predictions with what a demonstrator did, and decides nothing.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from fedarm.config_base import Model, Name


class ClosedLoopEvaluation(Model):
    """Rollouts in the simulator, as the section `rollout` says; for simulated datasets."""

    kind: Literal["closed_loop"]


class _Replayed(Model):
    videos: Annotated[int, Field(ge=0)] = Field(
        default=1,
        description="Held-out episodes a dataset that are filmed, with both action paths.",
    )
    video_size: Annotated[int, Field(ge=320, le=1080, multiple_of=16)] = Field(
        default=480, description="Side of the films' square frames, in pixels."
    )


class ReplayEvaluation(_Replayed):
    """The policies' predictions on held-out recorded episodes, beside what was done there."""

    kind: Literal["replay"]


class RecordedEvaluation(_Replayed):
    """Episodes recorded on a real arm, with labels; and a replay of the held-out ones beside them."""

    kind: Literal["recorded"]
    labels: Annotated[str, Field(min_length=1)] = Field(
        description="A CSV file with a row an episode: dataset, episode, arm, seed,"
        " initial_condition, success, note (docs/evaluation.md)."
    )
    recordings: Annotated[dict[Name, str], Field(min_length=1)] = Field(
        description="By client or unseen dataset, the folder of the LeRobot dataset into which the"
        " policies' episodes on its task were recorded."
    )
    arms: Annotated[tuple[Name, ...], Field(min_length=1, strict=False)] | None = Field(
        default=None,
        description="The arms that were on the real arm; by default the reference and all federated.",
    )


Evaluation = Annotated[
    ClosedLoopEvaluation | ReplayEvaluation | RecordedEvaluation, Field(discriminator="kind")
]
