"""LeRobot's SmolVLA, from its own base checkpoint or tiny."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fedarm import config_policies
from fedarm.lerobot_lean import lean_imports
from fedarm.policies.presets.base import ACTION, PACKAGES, PRESETS, STATE, PolicyFeatures
from fedarm.policies.tiny_vlm import find_vlm

if TYPE_CHECKING:
    from lerobot.policies.smolvla.modeling_smolvla import SmolVLAPolicy


@PRESETS.register("smolvla")
def build_smolvla(policy: config_policies.SmolVLAPolicy, features: PolicyFeatures) -> SmolVLAPolicy:
    """Build a SmolVLA whose weights are all random; a checkpoint's are loaded into it.

    The vision-language model's own weights are never asked for: SmolVLA's checkpoints hold them.

    Source:
        Shukor et al. 2025, "SmolVLA: A Vision-Language-Action Model for Affordable and Efficient
        Robotics".
    """
    lean_imports(keep=PACKAGES["smolvla"])
    from lerobot.configs import FeatureType, PolicyFeature
    from lerobot.policies.smolvla.configuration_smolvla import SmolVLAConfig
    from lerobot.policies.smolvla.modeling_smolvla import SmolVLAPolicy

    image_shape = (3, features.image_size, features.image_size)
    inputs = {
        **{camera: PolicyFeature(FeatureType.VISUAL, image_shape) for camera in features.cameras},
        STATE: PolicyFeature(FeatureType.STATE, (features.state_joints,)),
    }
    return SmolVLAPolicy(
        SmolVLAConfig(
            # Always this, so that a checkpoint has the same bytes wherever it was trained.
            device="cpu",
            push_to_hub=False,
            # Declared a float, with a whole number for a default: it would read back as another text.
            optimizer_grad_clip_norm=10.0,
            input_features=inputs,
            output_features={ACTION: PolicyFeature(FeatureType.ACTION, (features.action_joints,))},
            vlm_model_name=find_vlm(policy.vlm),
            load_vlm_weights=False,
            resize_imgs_with_padding=(policy.vlm_image_size, policy.vlm_image_size),
            # One length, or a sample's result would depend on the other instructions of its batch.
            pad_language_to="max_length",
            **{name: getattr(policy, name) for name in _SAME_NAME},
        )
    )


# Sizes that LeRobot's configuration calls by the same names.
_SAME_NAME = (
    "chunk_size",
    "n_action_steps",
    "num_vlm_layers",
    "expert_width_multiplier",
    "max_state_dim",
    "max_action_dim",
    "tokenizer_max_length",
    "num_steps",
    "train_expert_only",
    "freeze_vision_encoder",
)
