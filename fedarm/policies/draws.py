"""The random draws of flow-matching policies, made outside of them so that all arms share them.

A flow-matching loss draws noise and a time for every sample, and its value depends on them more than on
a few steps of training: losses of two policies are comparable only on the same draws.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from fedarm.provenance import derive_seed

if TYPE_CHECKING:
    from lerobot.policies.pretrained import PreTrainedPolicy

_SEED = 0


def flow_noise(policy: PreTrainedPolicy, positions: Iterable[int]) -> dict[str, Tensor]:
    """Return the noise that a policy's flow starts from; nothing for a policy that draws none.

    Args:
        policy: The policy.
        positions: Which samples they are: a position always has the same draws.

    Returns:
        `noise (sample, step, action dimension)`, on the policy's device.
    """
    if not _is_flow(policy):
        return {}
    shape = (policy.config.chunk_size, policy.config.max_action_dim)
    noise = [_generator("noise", index).standard_normal(shape, np.float32) for index in positions]
    return {"noise": torch.from_numpy(np.stack(noise)).to(_device(policy))}


def flow_draws(policy: PreTrainedPolicy, positions: Iterable[int]) -> dict[str, Tensor]:
    """Return what `forward` would draw, noise and `time (sample,)`; nothing for other policies.

    Times are distributed as LeRobot draws them: a Beta(1.5, 1) from 0.001 to 1.

    Args:
        policy: The policy.
        positions: Which samples they are: a position always has the same draws.
    """
    if not _is_flow(policy):
        return {}
    indices = list(positions)
    times = [0.999 * _generator("time", index).beta(1.5, 1.0) + 0.001 for index in indices]
    time = torch.tensor(times, dtype=torch.float32, device=_device(policy))
    return {**flow_noise(policy, indices), "time": time}


def _is_flow(policy: PreTrainedPolicy) -> bool:
    return bool(policy.config.type == "smolvla")


def _generator(purpose: str, position: int) -> np.random.Generator:
    return np.random.default_rng(derive_seed(_SEED, "flow matching", purpose, position))


def _device(policy: PreTrainedPolicy) -> torch.device:
    device: torch.device = next(policy.parameters()).device
    return device
