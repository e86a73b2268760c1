"""Checkpoints in LeRobot's own layout, so that LeRobot's tools read them as they are.

    config.json                                          the policy's configuration
    model.safetensors                                    its weights
    policy_preprocessor.json, *_normalizer_*.safetensors how observations are normalised
    policy_postprocessor.json, *.safetensors             how actions are brought back

Equal policies and statistics give equal bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file
from safetensors.torch import load_model

from fedarm import config_policies
from fedarm.errors import CheckpointError, ResultsError
from fedarm.lerobot_lean import lean_imports
from fedarm.paths import atomic_dir, read_json
from fedarm.policies.architecture import check_architecture
from fedarm.policies.normalization import IDENTITY, Statistics, identity_moments
from fedarm.policies.presets import PolicyFeatures, build_policy
from fedarm.policies.presets.base import ACTION, PACKAGES
from fedarm.policies.tiny_vlm import find_vlm
from fedarm.provenance import digest_folder, digest_value

if TYPE_CHECKING:
    from lerobot.configs.policies import PreTrainedConfig
    from lerobot.policies.pretrained import PreTrainedPolicy

_CONFIG = "config.json"
_WEIGHTS = "model.safetensors"
_PREPROCESSOR = "policy_preprocessor.json"
_POSTPROCESSOR = "policy_postprocessor.json"
_NORMALIZER = "normalizer_processor"
_MEAN_STD = "MEAN_STD"
_FILE_MODE = 0o644
_TRAIN_AGAIN = "train again, or copy the whole folder again"


@dataclass(frozen=True)
class LoadedPolicy:
    """A policy and the statistics that its inputs and outputs are normalised with."""

    policy: PreTrainedPolicy
    statistics: Statistics


def save_pretrained(policy: PreTrainedPolicy, statistics: Statistics, folder: Path) -> None:
    """Save a policy and its normalisation; `folder` is replaced whole or not at all.

    Args:
        policy: The policy, on any device.
        statistics: What it was trained with; kept in 32 bits.
        folder: The checkpoint's folder, by custom called `pretrained_model`.

    Raises:
        ResultsError: The folder cannot be written.
    """
    from lerobot.policies.factory import make_pre_post_processors

    stored = {
        feature: {name: torch.tensor(values, dtype=torch.float32) for name, values in each.items()}
        for feature, each in statistics.items()
    }
    preprocessor, postprocessor = make_pre_post_processors(policy.config, dataset_stats=stored)
    with atomic_dir(folder) as temporary:
        policy.save_pretrained(temporary)
        preprocessor.save_pretrained(temporary, config_filename=_PREPROCESSOR)
        postprocessor.save_pretrained(temporary, config_filename=_POSTPROCESSOR)
        for file in temporary.iterdir():
            # The safetensors library lets only the owner read what it writes.
            file.chmod(_FILE_MODE)


def load_pretrained(folder: Path, *, expected: config_policies.Policy | None) -> LoadedPolicy:
    """Load a checkpoint that fedarm or LeRobot has saved.

    Args:
        folder: A `pretrained_model` folder.
        expected: The architecture that it must have; None takes any.

    Returns:
        The policy, on the CPU, in evaluation mode, and its statistics.

    Raises:
        CheckpointError: A file is missing or broken, the architecture is another, or the policy is not
            normalised by means and deviations.
    """
    policy_config = _read_config(folder)
    if expected is not None:
        check_architecture(policy_config, expected, folder / _CONFIG)
    return LoadedPolicy(
        _load_policy(policy_config, folder), _read_statistics(policy_config, folder)
    )


def adopt_pretrained(
    folder: Path, *, policy: config_policies.Policy, features: PolicyFeatures
) -> PreTrainedPolicy:
    """Load the weights of a foundation model into a policy for other cameras and joints.

    A model such as `lerobot/smolvla_base` was trained on many robots: its configuration names cameras
    that a client does not have, and its statistics are none of the client's. Only its weights are taken.

    Args:
        folder: A `pretrained_model` folder.
        policy: The architecture.
        features: What the policy sees and commands here.

    Raises:
        CheckpointError: The weights are missing, broken, or of another architecture.
    """
    adopted = build_policy(policy, features, seed=0)
    _fill(adopted, _require(folder / _WEIGHTS))
    return adopted.eval()


def sees(folder: Path, features: PolicyFeatures) -> bool:
    """Return whether a checkpoint's policy has some cameras at some size, in any order.

    Raises:
        CheckpointError: Not a checkpoint.
    """
    found = {key: tuple(value.shape) for key, value in _read_config(folder).image_features.items()}
    size = features.image_size
    return found == dict.fromkeys(features.cameras, (3, size, size))


def digest_checkpoint(folder: Path) -> str:
    """Return the sha256 over the names and contents of a checkpoint's files.

    Raises:
        CheckpointError: There is no checkpoint.
    """
    _require(folder / _WEIGHTS)
    return digest_value(digest_folder(folder))


def fetch_pretrained(repo_id: str, revision: str) -> Path:
    """Download a checkpoint from the hub, or find it in the hub's cache.

    Args:
        repo_id: `owner/name`.
        revision: The commit.

    Raises:
        CheckpointError: It does not exist or cannot be reached.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(
            snapshot_download(
                repo_id, revision=revision, allow_patterns=["*.json", "*.safetensors"]
            )
        )
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise CheckpointError(
            f"cannot get the checkpoint from the hub: {error}",
            key="base.repo_id",
            value=f"{repo_id}@{revision}",
            remedy="check both names and the network, or download it and set `base.path`",
        ) from error


def _read_config(folder: Path) -> PreTrainedConfig:
    """Read `config.json`; LeRobot's own reader leaves a temporary file behind for each call."""
    file = _require(folder / _CONFIG)
    raw = _read_object(file)
    kind = raw.pop("type", None)
    lean_imports(keep=PACKAGES.get(kind, ()))
    import draccus
    from lerobot.configs.policies import PreTrainedConfig
    from lerobot.policies.factory import get_policy_class

    try:
        get_policy_class(kind)
        parsed: PreTrainedConfig = draccus.decode(PreTrainedConfig.get_choice_class(kind), raw)
    except Exception as error:  # Whatever draccus and LeRobot raise, it is this file's content.
        raise CheckpointError(
            f"not a policy's configuration that this LeRobot reads: {error}",
            file=file,
            key="type",
            value=kind,
            remedy="use a checkpoint of the LeRobot version that fedarm pins",
        ) from error
    # The weights come from the checkpoint: nothing is to be downloaded first.
    if hasattr(parsed, "pretrained_backbone_weights"):
        parsed.pretrained_backbone_weights = None
    if hasattr(parsed, "vlm_model_name"):
        parsed.load_vlm_weights = False
        parsed.vlm_model_name = find_vlm(parsed.vlm_model_name)
    return parsed


def _load_policy(policy_config: PreTrainedConfig, folder: Path) -> PreTrainedPolicy:
    from lerobot.policies.factory import get_policy_class

    file = _require(folder / _WEIGHTS)
    with torch.random.fork_rng(devices=()):
        policy = get_policy_class(policy_config.type)(policy_config)
    _fill(policy, file)
    return policy.eval()


def _fill(policy: PreTrainedPolicy, file: Path) -> None:
    try:
        load_model(policy, file, strict=True)
    except (SafetensorError, RuntimeError) as error:
        raise CheckpointError(
            f"the weights are broken or of another architecture than config.json: {error}",
            file=file,
            remedy=_TRAIN_AGAIN,
        ) from error


def _read_statistics(policy_config: PreTrainedConfig, folder: Path) -> Statistics:
    file = _require(folder / _PREPROCESSOR)
    steps = _read_object(file).get("steps", [])
    step = next((step for step in steps if step.get("registry_name") == _NORMALIZER), None)
    if step is None or "state_file" not in step:
        raise CheckpointError(
            "the preprocessor has no statistics",
            file=file,
            key="steps",
            value=[step.get("registry_name") for step in steps],
            remedy="convert an old checkpoint with `lerobot.processor.migrate_policy_normalization`",
        )
    modes = {kind: mode.value for kind, mode in policy_config.normalization_mapping.items()}
    other = {kind: mode for kind, mode in modes.items() if mode != _MEAN_STD}
    if other.keys() - {"VISUAL"} or set(other.values()) - {IDENTITY}:
        raise CheckpointError(
            "only normalisation by mean and deviation, or of images none, is supported",
            file=folder / _CONFIG,
            key="normalization_mapping",
            value=other,
            remedy=f"use a policy whose joints are {_MEAN_STD}",
        )
    stored = _read_arrays(_require(folder / step["state_file"]))
    return _by_feature(stored, policy_config, folder / step["state_file"])


def _by_feature(
    stored: Mapping[str, NDArray[np.float32]], policy_config: PreTrainedConfig, file: Path
) -> Statistics:
    statistics: dict[str, Mapping[str, NDArray[np.float64]]] = {}
    as_they_are = policy_config.normalization_mapping["VISUAL"].value == IDENTITY
    for feature in (*policy_config.input_features, ACTION):
        if as_they_are and feature in policy_config.image_features:
            statistics[feature] = identity_moments((3, 1, 1))
            continue
        names = {name: f"{feature}.{name}" for name in ("mean", "std")}
        missing = [key for key in names.values() if key not in stored]
        if missing:
            raise CheckpointError(
                "a feature has no statistics", file=file, key=missing[0], remedy=_TRAIN_AGAIN
            )
        statistics[feature] = {name: stored[key].astype(np.float64) for name, key in names.items()}
    return statistics


def _read_arrays(file: Path) -> dict[str, NDArray[np.float32]]:
    try:
        return load_file(file)
    except (SafetensorError, ValueError) as error:
        raise CheckpointError(
            f"a file of the checkpoint is broken: {error}", file=file, remedy=_TRAIN_AGAIN
        ) from error


def _read_object(file: Path) -> dict[str, Any]:
    try:
        value = read_json(file)
    except ResultsError as error:
        raise CheckpointError(str(error)) from None
    if not isinstance(value, dict):
        raise CheckpointError(
            "not a JSON object", file=file, value=json.dumps(value)[:80], remedy=_TRAIN_AGAIN
        )
    return value


def _require(file: Path) -> Path:
    if not file.is_file():
        raise CheckpointError(
            "not a checkpoint: a file is missing",
            file=file,
            remedy="give the `pretrained_model` folder that holds config.json and model.safetensors",
        )
    return file
