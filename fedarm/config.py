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
from fedarm.config_training import Base, Training
from fedarm.errors import ConfigError


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
