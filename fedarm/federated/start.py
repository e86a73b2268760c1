"""The policy that a federated run starts from, the same on the server and in every client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fedarm.errors import CheckpointError
from fedarm.policies.checkpoint import load_pretrained
from fedarm.settings import TrainSettings
from fedarm.training.device import prepare_torch

if TYPE_CHECKING:
    from lerobot.policies.pretrained import PreTrainedPolicy


def load_start(settings: TrainSettings) -> PreTrainedPolicy:
    """Load the base policy onto the device to compute on.

    Raises:
        CheckpointError: It is missing, broken, or of another architecture.
    """
    if settings.start is None:
        raise CheckpointError(
            "a federated run starts from the base's checkpoint, and none is given",
            key="start",
            remedy="make the base first",
        )
    return load_pretrained(settings.start, expected=settings.policy).policy.to(prepare_torch())
