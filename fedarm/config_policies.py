"""The `policy` section of the configuration: the architectures that can be trained, and their sizes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from fedarm.config_base import Model, Positive, PositiveFloat


class ActPolicy(Model):
    """LeRobot's ACT, with its sizes."""

    type: Literal["act"] = "act"
    vision_backbone: str = Field(
        default="resnet_narrow_gn",
        pattern="^resnet",
        description="`resnet_narrow_gn` (GroupNorm, 4 narrow stages) or a torchvision ResNet.",
    )
    chunk_size: Positive = Field(default=16, description="Actions predicted at once.")
    n_action_steps: Positive = Field(
        default=8, description="Actions executed before looking again."
    )
    dim_model: Positive = 128
    n_heads: Positive = 4
    dim_feedforward: Positive = 256
    n_encoder_layers: Positive = 2
    n_decoder_layers: Positive = 1
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    image_size: Annotated[int, Field(ge=32, le=512)] = Field(
        default=64, description="Side of the image that the policy sees, in pixels."
    )

    @model_validator(mode="after")
    def _chunk_covers_steps(self) -> ActPolicy:
        if self.n_action_steps > self.chunk_size:
            raise ValueError("`n_action_steps` cannot exceed `chunk_size`")
        if self.dim_model % self.n_heads:
            raise ValueError("`dim_model` must be a multiple of `n_heads`")
        return self


class Lora(Model):
    """Train low-rank adapters in place of the weights (Hu et al. 2021), through LeRobot's peft extra."""

    rank: Positive = 16
    alpha: PositiveFloat = Field(
        default=16.0, description="The adapters' output is scaled by alpha over rank."
    )


class SmolVLAPolicy(Model):
    """LeRobot's SmolVLA: a small vision-language model and an action expert that reads instructions.

    The defaults are the sizes of `lerobot/smolvla_base`.
    """

    type: Literal["smolvla"]
    vlm: str = Field(
        default="HuggingFaceTB/SmolVLM2-500M-Video-Instruct",
        description="The vision-language model: a hub repository, a folder, or `tiny`, which fedarm"
        " builds from nothing for tests and processors without a GPU.",
    )
    chunk_size: Positive = Field(default=50, description="Actions predicted at once.")
    n_action_steps: Positive = Field(
        default=50, description="Actions executed before looking again."
    )
    image_size: Annotated[int, Field(ge=32, le=512)] = Field(
        default=256, description="Side of the image that is cached, in pixels."
    )
    vlm_image_size: Annotated[int, Field(ge=32, le=512)] = Field(
        default=512, description="Side of the image that the vision encoder sees, in pixels."
    )
    num_vlm_layers: Positive = 16
    expert_width_multiplier: PositiveFloat = 0.75
    max_state_dim: Positive = 32
    max_action_dim: Positive = 32
    tokenizer_max_length: Positive = 48
    num_steps: Positive = Field(default=10, description="Steps of the flow from noise to actions.")
    train_expert_only: bool = Field(
        default=True, description="Freeze the vision-language model; only the expert travels."
    )
    freeze_vision_encoder: bool = True
    lora: Lora | None = Field(default=None, description="Train adapters only; off unless given.")

    @model_validator(mode="after")
    def _chunk_covers_steps(self) -> SmolVLAPolicy:
        if self.n_action_steps > self.chunk_size:
            raise ValueError("`n_action_steps` cannot exceed `chunk_size`")
        return self


Policy = Annotated[ActPolicy | SmolVLAPolicy, Field(discriminator="type")]
