"""The policy loss on rows that no arm has trained on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import torch

from fedarm.policies.draws import flow_draws
from fedarm.policies.language import reader_of
from fedarm.policies.normalization import Normalizer, Statistics, network_statistics
from fedarm.training.inputs import policy_inputs
from fedarm.training.rows import Rows

if TYPE_CHECKING:
    from lerobot.policies.pretrained import PreTrainedPolicy

# The same for every arm, because a sum's last bits depend on how it is cut.
_BATCH_SIZE = 64


@torch.no_grad()
def held_out_loss(policy: PreTrainedPolicy, rows: Rows, statistics: Statistics) -> float:
    """Return the policy loss on rows, averaged over their actions without the padding.

    The policy is evaluated without dropout and then put back into the mode that it was in. A row always
    gets the same random draws, if the policy's loss needs any, whatever the arm and the round.

    Args:
        policy: The policy.
        rows: Held-out rows of one dataset.
        statistics: What the policy was trained with.
    """
    device = next(policy.parameters()).device
    normalizer = Normalizer(
        network_statistics(policy, statistics), cameras=rows.cameras, device=device
    )
    reader = reader_of(policy)
    was_training = policy.training
    policy.eval()
    losses, weights = [], []
    for first in range(0, len(rows), _BATCH_SIZE):
        positions = np.arange(first, min(first + _BATCH_SIZE, len(rows)))
        batch = rows.batch(positions)
        inputs = policy_inputs(batch, normalizer, reader)
        loss, _ = policy.forward(inputs, **flow_draws(policy, positions.tolist()))
        losses.append(loss.item())
        weights.append(int((~batch.is_pad).sum()))
    policy.train(was_training)
    return float(np.average(losses, weights=weights))


def held_out_losses(
    policy: PreTrainedPolicy, held_out: Mapping[str, Rows], statistics: Statistics
) -> dict[str, float]:
    """Return the held-out loss on each dataset, by its name."""
    return {name: held_out_loss(policy, rows, statistics) for name, rows in held_out.items()}
