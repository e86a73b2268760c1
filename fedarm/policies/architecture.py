"""Is a checkpoint of the architecture that the configuration asks for?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fedarm import config_policies
from fedarm.errors import CheckpointError
from fedarm.policies.tiny_vlm import TINY, TINY_FOLDER

if TYPE_CHECKING:
    from lerobot.configs.policies import PreTrainedConfig


def check_architecture(
    found: PreTrainedConfig, expected: config_policies.Policy, file: Path
) -> None:
    """Compare a checkpoint's configuration with the experiment's.

    Adapters do not count: a checkpoint holds the weights that they were merged into.

    Args:
        found: What the checkpoint says.
        expected: What it should be.
        file: The checkpoint's configuration file, for messages.

    Raises:
        CheckpointError: They differ; the message names the first key that does.
    """
    for key, wanted in expected.model_dump(exclude={"lora"}).items():
        value = _stored(found, key)
        if value != wanted:
            raise CheckpointError(
                f"the checkpoint is of another architecture: the configuration says {wanted!r}",
                file=file,
                key=f"policy.{key}",
                value=value,
                remedy=f"set `policy.{key}` to {value!r}, or choose another checkpoint",
            )


def _stored(found: PreTrainedConfig, key: str) -> Any:
    """Return what LeRobot's configuration says of a key of fedarm's."""
    if key == "image_size":
        return _one({feature.shape[-1] for feature in found.image_features.values()})
    if key == "vlm_image_size":
        return _one(set(getattr(found, "resize_imgs_with_padding", None) or ()))
    if key == "vlm":
        name = str(getattr(found, "vlm_model_name", None))
        return TINY if Path(name).name == TINY_FOLDER else name
    return getattr(found, key, None)


def _one(sizes: set[int]) -> int | list[int]:
    """Return the one size of a square, or all there are."""
    return sizes.pop() if len(sizes) == 1 else sorted(sizes)
