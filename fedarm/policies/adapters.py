"""Low-rank adapters: a few weights trained beside a policy's own, which stay as they are.

The adapters are peft's, in the places that LeRobot names for each policy. A checkpoint holds the weights
that they are merged into, so that it is an ordinary policy to everything that reads it.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from fedarm import config_policies
from fedarm.errors import CheckpointError

if TYPE_CHECKING:
    from lerobot.policies.pretrained import PreTrainedPolicy

_MARK = ".lora_"


def add_adapters(policy: PreTrainedPolicy, lora: config_policies.Lora, *, seed: int) -> None:
    """Freeze a policy's weights and add adapters that change nothing yet, in place.

    Args:
        policy: The policy.
        lora: Their rank and scale.
        seed: Seed of their weights; the global generator is left as it was.

    Source:
        Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language Models", section 4.1.
    """
    from peft import LoraConfig, inject_adapter_in_model

    targets = policy._get_default_peft_targets()
    scale: Any = lora.alpha  # Declared whole; any number does.
    places = LoraConfig(r=lora.rank, lora_alpha=scale, **(targets or {}))
    policy.requires_grad_(False)
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        inject_adapter_in_model(places, policy)


def adapter_weights(policy: PreTrainedPolicy) -> dict[str, Tensor]:
    """Return the adapters' weights by name; none for a policy without."""
    return {
        name: parameter.detach().cpu()
        for name, parameter in policy.named_parameters()
        if _MARK in name
    }


def module_of(name: str) -> str:
    """Return the module that a parameter is of; for an adapter's the module that it adapts."""
    module, mark, _ = name.partition(_MARK)
    return module if mark else name.rpartition(".")[0]


@torch.no_grad()
def load_adapters(policy: PreTrainedPolicy, weights: Mapping[str, Tensor]) -> None:
    """Write adapters' weights into a policy that has such adapters, in place.

    Raises:
        CheckpointError: They are of other places or ranks.
    """
    parameters = {name: value for name, value in policy.named_parameters() if _MARK in name}
    shapes = {name: value.shape for name, value in parameters.items()}
    if shapes != {name: value.shape for name, value in weights.items()}:
        raise CheckpointError(
            "the saved adapters are not those of this policy",
            key="policy.lora",
            remedy="delete the run's checkpoints and train again",
        )
    for name, value in weights.items():
        parameters[name].copy_(value)


def merged(policy: PreTrainedPolicy) -> PreTrainedPolicy:
    """Return a policy whose adapters are merged into its weights; the policy itself without any."""
    if not adapter_weights(policy):
        return policy
    from peft.tuners.tuners_utils import BaseTunerLayer

    copied = copy.deepcopy(policy)
    for name, module in list(copied.named_modules()):
        if isinstance(module, BaseTunerLayer):
            module.merge()
            base: Any = module.get_base_layer()
            parent, _, child = name.rpartition(".")
            setattr(copied.get_submodule(parent), child, base)
    return copied
