"""Task instructions to what a policy reads: LeRobot's own tokens, on whole batches.

LeRobot's processor pipeline does the same a transition at a time; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from fedarm.policies.tiny_vlm import find_vlm

if TYPE_CHECKING:
    from lerobot.policies.pretrained import PreTrainedPolicy

LANGUAGE_TOKENS = "observation.language.tokens"
LANGUAGE_MASK = "observation.language.attention_mask"


class InstructionReader:
    """Turns instructions into the tokens that a policy reads.

    Args:
        policy_config: The LeRobot configuration of a policy that reads instructions.
        device: Where the tokens come to lie.
    """

    def __init__(self, policy_config: Any, device: torch.device) -> None:
        self._tokenizer = _tokenizer(find_vlm(policy_config.vlm_model_name))
        self._padding = policy_config.pad_language_to
        self._max_length = policy_config.tokenizer_max_length
        self._device = device

    def tokens(self, instructions: Sequence[str]) -> dict[str, Tensor]:
        """Return tokens and mask, each `(sample, token)`, by feature key."""
        encoded = self._tokenizer(
            # SmolVLA was trained with a newline at the end of each instruction.
            [text if text.endswith("\n") else f"{text}\n" for text in instructions],
            max_length=self._max_length,
            truncation=True,
            padding=self._padding,
            padding_side="right",
            return_tensors="pt",
        )
        return {
            LANGUAGE_TOKENS: encoded["input_ids"].to(self._device),
            LANGUAGE_MASK: encoded["attention_mask"].to(self._device, torch.bool),
        }


def reader_of(policy: PreTrainedPolicy) -> InstructionReader | None:
    """Return a policy's reader of instructions; None when it reads none."""
    if not reads_instructions(policy):
        return None
    return InstructionReader(policy.config, next(policy.parameters()).device)


def reads_instructions(policy: PreTrainedPolicy) -> bool:
    """Return whether a policy is told in words what to do."""
    return hasattr(policy.config, "tokenizer_max_length")


@lru_cache(maxsize=4)
def _tokenizer(name: str) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(name)
