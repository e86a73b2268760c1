"""The policy that a federated run starts from, the same on the server and in every client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fedarm.settings import TrainSettings
from fedarm.training.device import prepare_torch
from fedarm.training.start import start_policy

if TYPE_CHECKING:
    from lerobot.policies.pretrained import PreTrainedPolicy


def load_start(settings: TrainSettings) -> PreTrainedPolicy:
    """Load the base policy onto the device to compute on.

    Raises:
        CheckpointError: It is missing, broken, or of another architecture.
    """
    return start_policy(settings).to(prepare_torch())
