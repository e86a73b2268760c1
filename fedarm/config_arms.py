"""The federated arms of a configuration: one section a strategy.

The strategies themselves are in `fedarm.federated.strategies`, one file each under the same name.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from fedarm.config_base import Model, Positive, PositiveFloat

Share = Annotated[float, Field(ge=0, lt=1)]


class FederatedModel(Model):
    """What every federated arm has."""

    kind: Literal["federated"]
    optimizer_state: Literal["reset", "average"] = Field(
        default="reset",
        description="What clients begin a round with: a fresh Adam, or the clients' averaged moments"
        " of the round before, which travel with the weights (Wang et al. 2021, arXiv:2106.02305).",
    )
    lag_lr_limit: Annotated[float, Field(ge=1)] = Field(
        default=1.0,
        description="A client whose held-out loss has fallen less than the clients' mean trains with a"
        " higher learning rate, by its lag and by at most this factor; 1 is off.",
    )


class FedAvgArm(FederatedModel):
    """Federated averaging (McMahan et al. 2017)."""

    strategy: Literal["fedavg"]


class FedAvgMArm(FederatedModel):
    """Federated averaging with momentum on the server (Hsu et al. 2019)."""

    strategy: Literal["fedavgm"]
    server_momentum: Share = Field(default=0.9, description="Share of the last step in the next.")
    server_lr: PositiveFloat = Field(default=1.0, description="Length of the server's steps.")


class FedProxArm(FederatedModel):
    """Federated averaging with a proximal term in the clients (Li et al. 2020)."""

    strategy: Literal["fedprox"]
    mu: Annotated[float, Field(ge=0)] = Field(description="Weight of the proximal term.")
    mu_step: Annotated[float, Field(ge=0)] = Field(
        default=0.0,
        description="Adaptive mu: raised by this when the training loss rises, lowered when it has"
        " fallen five times in a row (Li et al. 2020, section 5.3.2, with 0.1); 0 is constant.",
    )


class AdaptiveArm(FederatedModel):
    """An adaptive optimizer on the server (Reddi et al. 2021); the names are the paper's."""

    server_lr: PositiveFloat = Field(default=0.01, description="The server's learning rate.")
    beta1: Share = Field(default=0.9, description="Decay of the first moment.")
    beta2: Share = Field(default=0.99, description="Decay of the second moment.")
    tau: PositiveFloat = Field(default=1e-3, description="Adaptivity: small steps stay below it.")


class FedAdamArm(AdaptiveArm):
    """Adam on the server."""

    strategy: Literal["fedadam"]


class FedYogiArm(AdaptiveArm):
    """Yogi on the server."""

    strategy: Literal["fedyogi"]


class ScaffoldArm(FederatedModel):
    """Control variates against client drift (Karimireddy et al. 2020)."""

    strategy: Literal["scaffold"]
    optimizer: Literal["sgd", "adam"] = Field(
        default="sgd",
        description="The clients' optimizer: `sgd` as the theory needs, `adam` as every other arm has.",
    )
    client_lr: PositiveFloat | None = Field(
        default=None, description="The clients' learning rate; without, `training.lr`."
    )
    server_lr: PositiveFloat = Field(default=1.0, description="Length of the server's steps.")

    @model_validator(mode="after")
    def _sgd_has_no_moments(self) -> ScaffoldArm:
        if self.optimizer == "sgd" and self.optimizer_state == "average":
            raise ValueError("`optimizer: sgd` has no moments: set `optimizer_state: reset`")
        return self


class TrimmedMeanArm(FederatedModel):
    """The coordinate-wise trimmed mean against hostile clients (Yin et al. 2018)."""

    strategy: Literal["trimmed_mean"]
    hostile: Positive = Field(
        description="Hostile clients that are borne: so many values are cut at either end."
    )

    @property
    def least_clients(self) -> int:
        """Clients that a round needs: one value is left of each coordinate."""
        return 2 * self.hostile + 1


class KrumArm(FederatedModel):
    """Krum and Multi-Krum against hostile clients (Blanchard et al. 2017)."""

    strategy: Literal["krum"]
    hostile: Annotated[int, Field(ge=0)] = Field(description="Hostile clients that are borne.")
    selected: Positive = Field(
        default=1, description="Updates that are averaged: 1 is Krum, more are Multi-Krum."
    )

    @property
    def least_clients(self) -> int:
        """Clients that a round needs (Blanchard et al. 2017, proposition 4.2: 2 f + 2 < n)."""
        return max(2 * self.hostile + 3, self.selected)


class PersonalisedArm(FederatedModel):
    """A shared body, and a head that is each client's own (Arivazhagan et al. 2019)."""

    strategy: Literal["personalised"]
    head: Annotated[tuple[str, ...], Field(min_length=1, strict=False)] | None = Field(
        default=None,
        description="How the names of the head's parameters begin; by default the layer that gives the"
        " actions. With `policy.lora` the head are the adapters of these layers.",
    )


FederatedArm = Annotated[
    FedAvgArm
    | FedAvgMArm
    | FedProxArm
    | FedAdamArm
    | FedYogiArm
    | ScaffoldArm
    | TrimmedMeanArm
    | KrumArm
    | PersonalisedArm,
    Field(discriminator="strategy"),
]
