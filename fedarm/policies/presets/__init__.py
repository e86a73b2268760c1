"""The policy types that a configuration can choose: one registered function a file.

A new type is one file here that registers a function, an import below, and its sizes in
`fedarm.config_policies.Policy`.
"""

from fedarm.policies.presets.act import build_act
from fedarm.policies.presets.base import PRESETS, PolicyFeatures, build_policy, so101_features
from fedarm.policies.presets.smolvla import build_smolvla

__all__ = [
    "PRESETS",
    "PolicyFeatures",
    "build_act",
    "build_policy",
    "build_smolvla",
    "so101_features",
]
