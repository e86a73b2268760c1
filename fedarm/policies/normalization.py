"""Pixels and degrees to what a network sees, and back: LeRobot's own arithmetic on whole batches.

LeRobot's processor pipeline does the same a transition at a time; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fedarm.policies.draws import flow_noise
from fedarm.policies.language import reader_of
from fedarm.policies.presets.base import ACTION, STATE

if TYPE_CHECKING:
    from lerobot.policies.pretrained import PreTrainedPolicy

# Of each feature its "mean" and "std": `(joint,)`, or `(channel, 1, 1)` for a camera, in [0, 1].
Statistics = Mapping[str, Mapping[str, NDArray[np.float64]]]

# LeRobot's name for features that are not normalised.
IDENTITY = "IDENTITY"

_PIXEL_MAX = 255.0
# LeRobot adds this to every deviation that it divides by.
_EPSILON = 1e-8


class Normalizer:
    """Normalises batches with the statistics of a training set.

    Attributes:
        device: Where the batches come to lie.

    Args:
        statistics: Mean and deviation of each feature.
        cameras: Feature keys of the cameras, in the order of the images' second axis.
        device: Where the batches are to be.

    Raises:
        KeyError: The statistics lack a feature.
    """

    def __init__(
        self, statistics: Statistics, *, cameras: Sequence[str], device: torch.device
    ) -> None:
        self._cameras = tuple(cameras)
        self.device = device
        self._moments = {
            key: _Moments(statistics[key], device) for key in (STATE, ACTION, *self._cameras)
        }

    def observation(
        self, images: NDArray[np.uint8], state: NDArray[np.float32]
    ) -> dict[str, Tensor]:
        """Return what the policy sees, by feature key.

        Args:
            images: `(sample, camera, height, width, channel)`, RGB.
            state: `(sample, joint)`, in degrees and percent.
        """
        batch = {
            camera: self._moments[camera].normalize_in_place(self._pixels(images[:, position]))
            for position, camera in enumerate(self._cameras)
        }
        batch[STATE] = self._moments[STATE].normalize_in_place(self._copy(state))
        return batch

    def action(self, actions: NDArray[np.float32]) -> Tensor:
        """Return normalised actions; `(sample, step, joint)` in degrees and percent."""
        return self._moments[ACTION].normalize_in_place(self._copy(actions))

    def physical_action(self, actions: Tensor) -> Tensor:
        """Return predicted actions `(sample, step, joint)` in degrees and percent."""
        return self._moments[ACTION].restore(actions)

    def _pixels(self, images: NDArray[np.uint8]) -> Tensor:
        """Return `(sample, channel, height, width)` in [0, 1]."""
        # Bytes cross to the device, a quarter of what floats would be.
        pixels = to_device(torch.from_numpy(images), self.device).permute(0, 3, 1, 2)
        return pixels.to(torch.float32, memory_format=torch.contiguous_format).div_(_PIXEL_MAX)

    def _copy(self, values: NDArray[np.float32]) -> Tensor:
        # A copy even on the CPU, because what comes of it is changed in place.
        return to_device(torch.tensor(values, dtype=torch.float32), self.device)


def to_device(values: Tensor, device: torch.device) -> Tensor:
    """Return values on a device; to a GPU from pinned memory, so that the CPU need not wait."""
    if device.type != "cuda":
        return values
    return values.pin_memory().to(device, non_blocking=True)


def network_statistics(policy: PreTrainedPolicy, statistics: Statistics) -> Statistics:
    """Return the statistics that a policy's network is fed with.

    A policy may take its images as they are: they then get the mean 0 and the deviation 1.
    """
    modes = {kind: mode.value for kind, mode in policy.config.normalization_mapping.items()}
    if modes["VISUAL"] != IDENTITY:
        return statistics
    joints = {key: statistics[key] for key in (STATE, ACTION)}
    return {**joints, **dict.fromkeys(policy.config.image_features, identity_moments((3, 1, 1)))}


def identity_moments(shape: tuple[int, ...]) -> Mapping[str, NDArray[np.float64]]:
    """Return moments that change nothing."""
    return {"mean": np.zeros(shape), "std": np.ones(shape)}


class _Moments:
    """Mean and deviation of one feature, in 32 bits as LeRobot keeps them."""

    def __init__(self, moments: Mapping[str, NDArray[np.float64]], device: torch.device) -> None:
        self._mean = torch.tensor(moments["mean"], dtype=torch.float32, device=device)
        self._std = torch.tensor(moments["std"], dtype=torch.float32, device=device)
        self._divisor = self._std + _EPSILON

    def normalize_in_place(self, values: Tensor) -> Tensor:
        return values.sub_(self._mean).div_(self._divisor)

    def restore(self, values: Tensor) -> Tensor:
        return values * self._std + self._mean


@torch.inference_mode()
def predict_chunk(
    policy: PreTrainedPolicy,
    statistics: Statistics,
    images: NDArray[np.uint8],
    state: NDArray[np.float32],
    *,
    instruction: str = "",
) -> NDArray[np.float32]:
    """Predict the next actions from what a policy with one camera sees.

    A policy whose actions begin as noise always gets the same noise in the same row.

    Args:
        policy: The policy; put into evaluation mode.
        statistics: The statistics that it was trained with.
        images: `(env, height, width, channel)`, RGB.
        state: `(env, joint)`, in degrees and percent.
        instruction: What the policy is to do, if it reads.

    Returns:
        Actions `(env, step, joint)`, in degrees and percent.
    """
    device = next(policy.parameters()).device
    normalizer = Normalizer(
        network_statistics(policy, statistics),
        cameras=tuple(policy.config.image_features),
        device=device,
    )
    reader = reader_of(policy)
    if policy.training:
        policy.eval()
    observation = normalizer.observation(images[:, None], state)
    if reader is not None:
        observation |= reader.tokens([instruction] * len(state))
    chunk = policy.predict_action_chunk(observation, **flow_noise(policy, range(len(state))))
    physical: NDArray[np.float32] = normalizer.physical_action(chunk).cpu().numpy()
    return physical
