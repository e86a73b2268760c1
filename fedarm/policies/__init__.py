"""Policies: built from the configuration, saved and loaded as LeRobot's own `pretrained_model/` folders.

    backbone.py        a narrow ResNet with GroupNorm, by a name that LeRobot's ACT finds
    presets/           the policy types that a configuration can choose
    normalization.py   pixels and degrees to what a network sees, and back
    language.py        instructions to the tokens that a policy reads
    draws.py           the random draws of flow-matching policies, shared by all arms
    tiny_vlm.py        a vision-language model for tests, in a folder
    adapters.py        low-rank adapters in place of the weights
    checkpoint.py      save, load, digest, download

Importing this package makes the backbone known, so that LeRobot's own tools read fedarm's checkpoints:
`lerobot-eval --policy.path=<folder> --env.discover_packages_path=fedarm.policies ...`.
"""

from fedarm.torch_lean import leave_out_compiler

leave_out_compiler()

# After this: torchvision, which it imports, wants the compiler.
from fedarm.policies.backbone import register_backbones  # noqa: E402

register_backbones()
