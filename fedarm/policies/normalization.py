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

from fedarm.policies.presets.base import ACTION, STATE

if TYPE_CHECKING:
    from lerobot.policies.pretrained import PreTrainedPolicy

# Of each feature its "mean" and "std": `(joint,)`, or `(channel, 1, 1)` for a camera, in [0, 1].
Statistics = Mapping[str, Mapping[str, NDArray[np.float64]]]

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
        pixels = torch.from_numpy(images).to(self.device).permute(0, 3, 1, 2)
        return pixels.to(torch.float32, memory_format=torch.contiguous_format).div_(_PIXEL_MAX)

    def _copy(self, values: NDArray[np.float32]) -> Tensor:
        return torch.tensor(values, dtype=torch.float32, device=self.device)


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
) -> NDArray[np.float32]:
    """Predict the next actions from what a policy with one camera sees.

    Args:
        policy: The policy; put into evaluation mode.
        statistics: The statistics that it was trained with.
        images: `(env, height, width, channel)`, RGB.
        state: `(env, joint)`, in degrees and percent.

    Returns:
        Actions `(env, step, joint)`, in degrees and percent.
    """
    device = next(policy.parameters()).device
    normalizer = Normalizer(statistics, cameras=tuple(policy.config.image_features), device=device)
    policy.eval()
    chunk = policy.predict_action_chunk(normalizer.observation(images[:, None], state))
    physical: NDArray[np.float32] = normalizer.physical_action(chunk).cpu().numpy()
    return physical
