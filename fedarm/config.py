"""The experiment's configuration: the one source of its schema.

Every key of `config.yaml` is a field here, with its meaning and its bounds. Unknown keys are errors.
Rules that span several sections are in `fedarm.config_rules`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, ValidationError, field_validator, model_validator

from fedarm.config_arms import FederatedArm
from fedarm.config_base import Model, Name, Positive, PositiveFloat
from fedarm.config_datasets import Dataset
from fedarm.config_errors import describe_breaches
from fedarm.config_evaluation import Evaluation
from fedarm.config_policies import ActPolicy, Policy
from fedarm.config_tracking import Tracking
from fedarm.errors import ConfigError


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


class ClientResources(Model):
    """What Ray sets aside for a client that works."""

    num_cpus: PositiveFloat = Field(default=1, strict=False, description="Processor cores.")
    num_gpus: Annotated[float, Field(ge=0)] = Field(
        default=0, strict=False, description="GPUs; 0.25 lets four clients share one."
    )


class Federation(Model):
    """How federated arms run. The runtime changes no byte of a result, only where the work is done."""

    rounds: Positive = Field(description="Rounds; other arms are checkpointed as often.")
    runtime: Literal["inprocess", "simulation", "deployment"] = Field(
        default="inprocess",
        description="`inprocess`: no network, the fastest on one machine; `simulation`: Flower's engine"
        " on Ray; `deployment`: clients at other sites, through a SuperLink that runs already.",
    )
    workers: Positive = Field(
        default=1,
        description="Clients that work at the same time: worker processes, or Ray's actors. As many"
        " cores are asked of Snakemake for the job.",
    )
    client_resources: ClientResources = Field(
        default=ClientResources(), description="Of one client in a simulation."
    )
    connection: str | None = Field(
        default=None, description="Flower's name of the SuperLink to use, for `deployment`."
    )
    exchange_dtype: Literal["float32", "bfloat16"] = Field(
        default="float32",
        description="How weights travel; `bfloat16` halves the bytes, the server adds in float32.",
    )
    missing_reply: Literal["fail", "exclude"] = Field(
        default="fail",
        description="When a client dies, is late or answers with what cannot be used: `fail` ends"
        " the run, which can go on later; `exclude` goes on without it, and the report says so.",
    )
    min_clients: Positive | None = Field(
        default=None, description="With `exclude`: clients that a round needs at least."
    )
    timeout_s: PositiveFloat | None = Field(
        default=None, description="Seconds a round that clients have to answer; without, no limit."
    )

    @model_validator(mode="after")
    def _fewest_clients(self) -> Federation:
        if (self.missing_reply == "exclude") != (self.min_clients is not None):
            raise ValueError("`missing_reply: exclude` and `min_clients` go together")
        return self


class BaseArm(Model):
    """The starting policy as it is: what the clients had before any training."""

    kind: Literal["base"]


class LocalArm(Model):
    """One run a client, each on that client's data alone, with that client's share of the budget."""

    kind: Literal["local"]


class CentralArm(Model):
    """Training on the pooled data of all clients."""

    kind: Literal["central"]


Arm = Annotated[BaseArm | LocalArm | CentralArm | FederatedArm, Field(discriminator="kind")]


class Progress(Model):
    """Rollouts before the last round, so that progress can be watched."""

    rounds: Annotated[tuple[Positive, ...], Field(strict=False)] = Field(
        default=(), description="Rounds of which a checkpoint is kept (`training.keep_every`)."
    )
    episodes: Positive = Field(default=8, description="The first initial conditions of each task.")


class Rollout(Model):
    """Closed-loop evaluation on initial conditions that all arms share."""

    episodes: Positive = Field(
        default=16, description="Initial conditions a task, the same for every arm."
    )
    progress: Progress = Progress()
    videos: Annotated[int, Field(ge=0)] = Field(
        default=1, description="Episodes a task and round that are filmed."
    )
    video_size: Annotated[int, Field(ge=224, le=1080, multiple_of=16)] = Field(
        default=240, description="Side of the films' square frames, in pixels."
    )
    as_dataset: bool = Field(
        default=False,
        description="Also write the last round's episodes as LeRobot datasets, which LeRobot's"
        " visualizer and rerun open.",
    )


class Compare(Model):
    """What is compared, declared before the data."""

    reference: Name = Field(
        default="central", description="The arm that the federated arms are compared with."
    )
    margins: Annotated[
        tuple[Annotated[float, Field(gt=0, lt=1)], ...], Field(min_length=1, strict=False)
    ] = Field(
        default=(0.2, 0.1),
        description="Shares of the reference's success that may be lost, the widest first.",
    )
    level: Literal["seeds", "checkpoints"] = Field(
        default="seeds",
        description="`seeds` speaks of training anew, `checkpoints` of these checkpoints only.",
    )
    looks: Annotated[int, Field(ge=1, le=20)] = Field(
        default=1,
        description="How often one looks, on these checkpoints only, whether a federated arm's margins"
        " are decided, and then stops its rollouts: O'Brien and Fleming's plan. 1: all are done.",
    )


class Config(Model):
    """A whole experiment."""

    experiment: Name = Field(description="Names the folder of results.")
    results_dir: str = Field(default="results", description="Where results go.")
    seed: Annotated[int, Field(ge=0)] = Field(
        default=0, description="Root of every random draw: demonstrations, batches, rollouts."
    )
    seeds: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1, strict=False)] = (
        Field(description="Training seeds: each arm is trained once with each.")
    )
    datasets: dict[Name, Dataset] = Field(
        description="Datasets by name; those that no other section names are not built."
    )
    clients: Annotated[tuple[Name, ...], Field(min_length=1, strict=False)] = Field(
        description="The datasets that never leave their owners."
    )
    unseen: Annotated[tuple[Name, ...], Field(strict=False)] = Field(
        default=(), description="Datasets that no arm is trained on."
    )
    base: Base
    policy: Policy = ActPolicy()
    training: Training
    federation: Federation
    arms: dict[Name, Arm] = Field(description="Ways of training by name, which are compared.")
    rollout: Rollout = Rollout()
    evaluation: Evaluation | None = Field(
        default=None,
        description="Unless given, closed loop where all evaluated datasets are simulated, and replay"
        " where none is.",
    )
    compare: Compare = Compare()
    tracking: Tracking = Tracking()

    @field_validator("policy", mode="before")
    @classmethod
    def _act_by_default(cls, value: Any) -> Any:
        return {"type": "act", **value} if isinstance(value, dict) else value

    @field_validator("seeds", "clients", "unseen")
    @classmethod
    def _no_repeats(cls, values: tuple[Any, ...]) -> tuple[Any, ...]:
        if len(set(values)) != len(values):
            raise ValueError("each value may stand only once")
        return values


def read_config(path: Path) -> Config:
    """Read a configuration file and validate it against the schema.

    Raises:
        ConfigError: It is missing, not YAML, or breaks the schema.
    """
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"cannot read the configuration: {error.strerror}",
            file=path,
            remedy="pass an existing file with --configfile",
        ) from None
    except yaml.YAMLError as error:
        raise ConfigError(f"not valid YAML: {error}", file=path, remedy="mend the syntax") from None
    return parse_config(raw, source=str(path))


def parse_config(raw: Any, *, source: str) -> Config:
    """Validate a configuration given as plain Python values against the schema.

    Args:
        raw: The mapping read from YAML.
        source: What to call it in messages.

    Raises:
        ConfigError: It breaks the schema; the message lists every breach.
    """
    try:
        config = Config.model_validate(raw)
    except ValidationError as error:
        raise ConfigError(describe_breaches(error, Config), file=source) from None
    return config
