"""A batch as it is gathered, and as a policy takes it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fedarm.policies.normalization import Normalizer
from fedarm.policies.presets.base import ACTION, ACTION_IS_PAD


@dataclass(frozen=True)
class Batch:
    """Samples in physical units.

    Attributes:
        images: `(sample, camera, height, width, channel)`, RGB.
        state: `(sample, joint)`, in degrees and percent.
        actions: `(sample, step, joint)`, in degrees and percent.
        is_pad: `(sample, step)`: the action lies past the end of its episode.
    """

    images: NDArray[np.uint8]
    state: NDArray[np.float32]
    actions: NDArray[np.float32]
    is_pad: NDArray[np.bool_]

    @classmethod
    def empty_like(cls, other: Batch, samples: int) -> Batch:
        """Return an unfilled batch of some samples with another's shapes."""
        return cls(
            *(
                np.empty((samples, *array.shape[1:]), dtype=array.dtype)
                for array in (other.images, other.state, other.actions, other.is_pad)
            )
        )

    def put(self, chosen: NDArray[np.bool_], part: Batch) -> None:
        """Write the samples of `part`, in order, where `chosen (sample,)` is true."""
        self.images[chosen] = part.images
        self.state[chosen] = part.state
        self.actions[chosen] = part.actions
        self.is_pad[chosen] = part.is_pad


def policy_inputs(batch: Batch, normalizer: Normalizer) -> dict[str, Tensor]:
    """Return a batch as a LeRobot policy's `forward` takes it, normalised and on the device."""
    return {
        **normalizer.observation(batch.images, batch.state),
        ACTION: normalizer.action(batch.actions),
        ACTION_IS_PAD: torch.from_numpy(batch.is_pad).to(normalizer.device),
    }
