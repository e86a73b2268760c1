"""The sections `base` and `training`: what all arms start from, and how they learn."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from fedarm.config_base import Model, Name, Positive, PositiveFloat


class Plateau(Model):
    """Lower the learning rate when the clients' mean held-out loss no longer falls over rounds."""

    patience: Positive = Field(
        description="Rounds without an improvement before the learning rate is lowered."
    )
    factor: Annotated[float, Field(gt=0, lt=1)] = Field(
        default=0.5, description="What the learning rate is multiplied by each time."
    )
    min_improvement: Annotated[float, Field(ge=0, lt=1)] = Field(
        default=1e-3, description="Share of the best loss by which a better one must be lower."
    )
    min_lr_share: Annotated[float, Field(ge=0, lt=1)] = Field(
        default=0.01, description="The learning rate is never lowered below this share."
    )


class EarlyStop(Model):
    """Stop when the clients' mean held-out loss no longer falls over rounds.

    The run then has seen fewer samples than its budget, which its metrics and the comparison say.
    """

    patience: Positive = Field(description="Rounds without an improvement before training stops.")
    min_improvement: Annotated[float, Field(ge=0, lt=1)] = Field(
        default=1e-3, description="Share of the best loss by which a better one must be lower."
    )


class Schedule(Model):
    """The learning rate over the steps of a run.

    Central and local training are one round of all their steps.
    """

    kind: Literal["cosine", "constant", "round_cosine", "warm_restarts"] = Field(
        default="cosine",
        description="`cosine`: half a cosine over the whole run, the same for central and federated"
        " arms; `constant`; `round_cosine`: half a cosine anew each round; `warm_restarts`: half cosines"
        " over cycles of the whole run (Loshchilov and Hutter 2017).",
    )
    warmup_share: Annotated[float, Field(ge=0, lt=1)] = Field(
        default=0.0,
        description="Share of the steps that rise linearly from 0: of the run's, or of each round's with"
        " `round_cosine`.",
    )
    final_lr_share: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.05,
        description="Learning rate at the end of a fall over that at its start.",
    )
    round_decay: Literal["cosine", "none"] = Field(
        default="none",
        description="How the rounds' starting learning rate falls over the rounds, with `constant` and"
        " `round_cosine`.",
    )
    first_cycle: Annotated[float, Field(gt=0, le=1)] = Field(
        default=0.25, description="`warm_restarts`: share of the run that the first cycle takes."
    )
    cycle_factor: Annotated[float, Field(ge=1)] = Field(
        default=1.0, description="`warm_restarts`: length of a cycle over that of the one before."
    )
    plateau: Plateau | None = Field(
        default=None, description="Lower the learning rate on a plateau of the held-out loss."
    )

    @model_validator(mode="after")
    def _falls_once(self) -> Schedule:
        if self.round_decay != "none" and self.kind in ("cosine", "warm_restarts"):
            raise ValueError(
                f"`kind: {self.kind}` falls over the whole run already: leave `round_decay` out, or take"
                " `kind: round_cosine` or `kind: constant`"
            )
        return self


class PretrainedBase(Model):
    """Pretrain the starting policy on a public pool that no client owns."""

    kind: Literal["pretrain"]
    datasets: Annotated[tuple[Name, ...], Field(min_length=1, strict=False)] = Field(
        description="The datasets of the pool."
    )
    samples: Positive = Field(description="Samples seen in pretraining.")
    batch_size: Positive = Field(description="Samples a step.")
    lr: PositiveFloat = Field(description="The learning rate at its highest.")
    schedule: Schedule | None = Field(
        default=None,
        description="The learning rate over the steps; by default as in `training`. A `constant` one"
        " leaves more to be learned, from which federated arms gain most (docs/averaging.md).",
    )


class CheckpointBase(Model):
    """Start from a policy that exists: a folder, or a repository on the hub."""

    kind: Literal["checkpoint"]
    path: str | None = Field(default=None, description="A local `pretrained_model` folder.")
    repo_id: str | None = Field(default=None, description="A hub repository, `owner/name`.")
    revision: str | None = Field(default=None, description="The hub commit to pin.")

    @model_validator(mode="after")
    def _one_origin(self) -> CheckpointBase:
        if (self.path is None) == (self.repo_id is None):
            raise ValueError("give exactly one of `path` and `repo_id`")
        if self.repo_id is not None and self.revision is None:
            raise ValueError("`repo_id` needs a `revision`: a commit, so that a rerun is the same")
        return self


class RandomBase(Model):
    """Start from random weights, the same for every arm."""

    kind: Literal["none"]


Base = Annotated[PretrainedBase | CheckpointBase | RandomBase, Field(discriminator="kind")]


class Training(Model):
    """What every arm trains with: the same budget, optimizer, schedule and batch size."""

    samples: Positive = Field(description="Samples an arm and seed, over all its clients together.")
    batch_size: Positive = Field(description="Samples a step, of one client or of the pooled data.")
    lr: PositiveFloat = Field(description="Adam's learning rate at its highest.")
    weight_decay: Annotated[float, Field(ge=0)] = Field(default=1e-4, description="AdamW's.")
    grad_clip_norm: PositiveFloat = Field(
        default=10.0, description="Gradients with a larger norm are shortened to it."
    )
    schedule: Schedule = Schedule()
    keep_every: Positive = Field(
        default=5, description="Rounds between checkpoints that are kept; the last always is."
    )
    held_out_rows: Positive = Field(
        default=64, description="Rows a dataset on which the held-out loss is computed each round."
    )
    early_stop: EarlyStop | None = Field(
        default=None, description="Stop before the budget is spent; off unless given."
    )
    precision: Literal["float32", "bfloat16"] = Field(
        default="float32",
        description="What forward passes compute in; weights and optimizer stay float32.",
    )
