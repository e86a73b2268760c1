"""The `tracking` section of the configuration: where metrics are shown while runs train.

No result depends on it: it is not among the settings of any job, nor in the resolved configuration.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from fedarm.config_base import Model

_Text = Annotated[str, Field(min_length=1)]


class WandbTracking(Model):
    """Weights & Biases: a run for each arm and seed, with the metrics of every round."""

    project: _Text = Field(default="fedarm", description="The project there.")
    entity: _Text | None = Field(
        default=None, description="The user or team; by default that of the account."
    )
    mode: Literal["offline", "online"] = Field(
        default="offline",
        description="`offline` writes to `logs/`, to be uploaded with `wandb sync`; `online` needs an"
        " account on this machine (`wandb login`, or WANDB_API_KEY).",
    )


class Tracking(Model):
    """Trackers of experiments that are fed while the workflow runs; none unless given."""

    tensorboard: bool = Field(
        default=False,
        # Snakemake's `--config` makes text of everything inside braces.
        strict=False,
        description="Write TensorBoard's event files to `logs/`.",
    )
    wandb: WandbTracking | None = Field(default=None, description="Feed Weights & Biases.")

    @property
    def is_on(self) -> bool:
        """Whether there is any tracker to feed."""
        return self.tensorboard or self.wandb is not None
