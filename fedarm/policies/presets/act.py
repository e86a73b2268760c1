"""LeRobot's ACT, small enough for two processor cores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fedarm import config_policies
from fedarm.lerobot_lean import lean_imports
from fedarm.policies.presets.base import ACTION, PRESETS, STATE, PolicyFeatures

if TYPE_CHECKING:
    from lerobot.policies.act.modeling_act import ACTPolicy


@PRESETS.register("act")
def build_act(policy: config_policies.ActPolicy, features: PolicyFeatures) -> ACTPolicy:
    """Build an ACT without its variational encoder.

    Demonstrations of a scripted expert have no style for a latent variable to explain, and without it
    the loss is the prediction error itself, the same in training and on held-out rows.

    Source:
        Zhao et al. 2023, "Learning Fine-Grained Bimanual Manipulation with Low-Cost Hardware".
    """
    lean_imports()
    from lerobot.configs import FeatureType, PolicyFeature
    from lerobot.policies.act.configuration_act import ACTConfig
    from lerobot.policies.act.modeling_act import ACTPolicy

    image_shape = (3, features.image_size, features.image_size)
    inputs = {
        **{camera: PolicyFeature(FeatureType.VISUAL, image_shape) for camera in features.cameras},
        STATE: PolicyFeature(FeatureType.STATE, (features.state_joints,)),
    }
    return ACTPolicy(
        ACTConfig(
            # Always this, so that a checkpoint has the same bytes wherever it was trained.
            device="cpu",
            push_to_hub=False,
            input_features=inputs,
            output_features={ACTION: PolicyFeature(FeatureType.ACTION, (features.action_joints,))},
            vision_backbone=policy.vision_backbone,
            pretrained_backbone_weights=None,
            # ACT declares a number; given its own default, False, it would read back 0 and write that.
            replace_final_stride_with_dilation=0,
            use_vae=False,
            chunk_size=policy.chunk_size,
            n_action_steps=policy.n_action_steps,
            dim_model=policy.dim_model,
            n_heads=policy.n_heads,
            dim_feedforward=policy.dim_feedforward,
            n_encoder_layers=policy.n_encoder_layers,
            n_decoder_layers=policy.n_decoder_layers,
            dropout=policy.dropout,
        )
    )
