"""A batch as it is gathered, and as a policy takes it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fedarm.policies.language import InstructionReader
from fedarm.policies.normalization import Normalizer, to_device
from fedarm.policies.presets.base import ACTION, ACTION_IS_PAD


@dataclass(frozen=True)
class Batch:
    """Samples in physical units.

    Attributes:
        images: `(sample, camera, height, width, channel)`, RGB.
        state: `(sample, joint)`, in degrees and percent.
        actions: `(sample, step, joint)`, in degrees and percent.
        is_pad: `(sample, step)`: the action lies past the end of its episode.
        tasks: `(sample,)`: what the robot was told to do.
    """

    images: NDArray[np.uint8]
    state: NDArray[np.float32]
    actions: NDArray[np.float32]
    is_pad: NDArray[np.bool_]
    tasks: NDArray[np.object_]

    @classmethod
    def empty_like(cls, other: Batch, samples: int) -> Batch:
        """Return an unfilled batch of some samples with another's shapes."""
        return cls(
            *(
                np.empty((samples, *array.shape[1:]), dtype=array.dtype)
                for array in (other.images, other.state, other.actions, other.is_pad, other.tasks)
            )
        )

    def put(self, chosen: NDArray[np.bool_], part: Batch) -> None:
        """Write the samples of `part`, in order, where `chosen (sample,)` is true."""
        self.images[chosen] = part.images
        self.state[chosen] = part.state
        self.actions[chosen] = part.actions
        self.is_pad[chosen] = part.is_pad
        self.tasks[chosen] = part.tasks


def policy_inputs(
    batch: Batch, normalizer: Normalizer, reader: InstructionReader | None = None
) -> dict[str, Tensor]:
    """Return a batch as a LeRobot policy's `forward` takes it, normalised and on the device.

    Args:
        batch: The batch.
        normalizer: What it is normalised with.
        reader: The policy's reader of instructions, if it reads any.
    """
    return {
        **normalizer.observation(batch.images, batch.state),
        **({} if reader is None else reader.tokens(batch.tasks.tolist())),
        ACTION: normalizer.action(batch.actions),
        ACTION_IS_PAD: to_device(torch.from_numpy(batch.is_pad), normalizer.device),
    }
