"""A checkpoint, ready to act."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from fedarm.errors import CheckpointError
from fedarm.policies.checkpoint import digest_checkpoint, load_pretrained
from fedarm.policies.language import reads_instructions
from fedarm.policies.normalization import predict_chunk
from fedarm.rollout.closed_loop import Controller, Images, Joints
from fedarm.training.device import prepare_torch

# What the scenes of `fedarm.sim` give a policy.
SCENE_CAMERA = "observation.images.front"
SCENE_JOINTS = 6


@dataclass(frozen=True)
class Actor:
    """A policy that can act, and where it comes from.

    Attributes:
        controller: The policy as the loop sees it.
        checkpoint_sha256: Digest of its checkpoint.
        reads_instructions: Whether `controller.predict` takes an `instruction` too.
    """

    controller: Controller
    checkpoint_sha256: str
    reads_instructions: bool = False

    def told(self, instruction: str) -> Controller:
        """Return the policy as the loop sees it, told what to do if it can read."""
        if not self.reads_instructions:
            return self.controller
        predict: Any = self.controller.predict
        return replace(self.controller, predict=partial(predict, instruction=instruction))


def load_actor(folder: Path) -> Actor:
    """Load a checkpoint onto the device that PyTorch computes on.

    Args:
        folder: A `pretrained_model/` folder.

    Raises:
        CheckpointError: It is missing or broken, or looks through a camera that the scenes lack.
    """
    device = prepare_torch()
    loaded = load_pretrained(folder, expected=None)
    loaded.policy.to(device)
    image_size = check_features(loaded.policy.config, folder)

    def predict(images: Images, states: Joints, instruction: str = "") -> Joints:
        chunk = predict_chunk(
            loaded.policy, loaded.statistics, images, states, instruction=instruction
        )
        return np.asarray(chunk, dtype=np.float32)

    controller = Controller(predict, image_size, int(loaded.policy.config.n_action_steps))
    return Actor(controller, digest_checkpoint(folder), reads_instructions(loaded.policy))


def check_features(config: Any, folder: Path) -> int:
    """Return the side of the images that a policy wants to see, in pixels.

    Args:
        config: The policy's LeRobot configuration.
        folder: Where it comes from, for messages.

    Raises:
        CheckpointError: The policy wants other cameras or joints than the simulated scenes have.
    """
    cameras = {name: tuple(feature.shape) for name, feature in config.image_features.items()}
    if set(cameras) != {SCENE_CAMERA}:
        raise CheckpointError(
            "the policy looks through cameras that the simulated scenes do not have",
            file=folder / "config.json",
            key="input_features",
            value=sorted(cameras),
            remedy=f"train on datasets whose only camera is {SCENE_CAMERA}",
        )
    _, height, width = cameras[SCENE_CAMERA]
    if height != width:
        raise CheckpointError(
            "the policy wants images that are not square, the simulated camera's are",
            file=folder / "config.json",
            key=f"input_features.{SCENE_CAMERA}",
            value=[height, width],
            remedy="train with `policy.image_size`, which is the side of a square",
        )
    joints = {
        "input_features.observation.state": config.robot_state_feature,
        "output_features.action": config.action_feature,
    }
    for key, feature in joints.items():
        if feature is None or tuple(feature.shape) != (SCENE_JOINTS,):
            raise CheckpointError(
                f"the simulated arm has {SCENE_JOINTS} joints, the policy another number",
                file=folder / "config.json",
                key=key,
                value=None if feature is None else list(feature.shape),
                remedy="train on datasets of a six-joint arm",
            )
    return int(height)
