"""The policy that a run starts from: the base's, with adapters when they are what is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fedarm.config_policies import SmolVLAPolicy
from fedarm.errors import CheckpointError
from fedarm.policies.adapters import add_adapters
from fedarm.policies.checkpoint import load_pretrained
from fedarm.provenance import derive_seed
from fedarm.settings import TrainSettings

if TYPE_CHECKING:
    from lerobot.policies.pretrained import PreTrainedPolicy


def start_policy(settings: TrainSettings) -> PreTrainedPolicy:
    """Load the base policy, on the CPU.

    Raises:
        CheckpointError: It is missing, broken, or of another architecture.
    """
    if settings.start is None:
        raise CheckpointError(
            "a run starts from the base's checkpoint, and none is given",
            key="start",
            remedy="make the base first",
        )
    policy = load_pretrained(settings.start, expected=settings.policy).policy
    if isinstance(settings.policy, SmolVLAPolicy) and settings.policy.lora is not None:
        # The same for every arm, as all starting weights are.
        seed = derive_seed(settings.experiment_seed, "adapters")
        add_adapters(policy, settings.policy.lora, seed=seed)
    return policy
