"""How a policy is built: sizes from the configuration, shapes from the data, weights from a seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from fedarm import config_policies
from fedarm.registry import Registry

if TYPE_CHECKING:
    from lerobot.policies.pretrained import PreTrainedPolicy

STATE = "observation.state"
ACTION = "action"
ACTION_IS_PAD = "action_is_pad"

# The optional packages that a policy type needs of those that LeRobot knows.
PACKAGES = {"smolvla": ("transformers",)}

_SO101_JOINTS = 6
_SO101_CAMERA = "observation.images.front"


@dataclass(frozen=True)
class PolicyFeatures:
    """What a policy sees and what it commands.

    Attributes:
        state_joints: Joints in the state.
        action_joints: Joints in an action.
        cameras: Feature keys of the cameras.
        image_size: Side of the square images, in pixels.
    """

    state_joints: int
    action_joints: int
    cameras: tuple[str, ...]
    image_size: int


# A preset makes LeRobot's policy, with random weights, from its sizes and features.
PRESETS: Registry[Callable[[Any, PolicyFeatures], PreTrainedPolicy]] = Registry("policy type")


def build_policy(
    policy: config_policies.Policy, features: PolicyFeatures, *, seed: int
) -> PreTrainedPolicy:
    """Build a policy whose weights are a function of the seed alone.

    Args:
        policy: The architecture.
        features: What it sees and commands.
        seed: Seed of the weights; the global generator is left as it was.

    Returns:
        LeRobot's policy, on the CPU, in training mode.
    """
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        return PRESETS[policy.type](policy, features).train()


def so101_features(image_size: int) -> PolicyFeatures:
    """Return the features of the lab: an SO-101 seen by one camera."""
    return PolicyFeatures(_SO101_JOINTS, _SO101_JOINTS, (_SO101_CAMERA,), image_size)
