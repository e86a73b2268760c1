"""Whole runs on pooled data: the base policy, central training, local training.

Central and local training differ in the clients whose rows they have, and in nothing else. Federated
runs are in `fedarm.federated`.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from fedarm.config_policies import SmolVLAPolicy
from fedarm.config_training import CheckpointBase, PretrainedBase
from fedarm.experiment import BASE_ROUND
from fedarm.locks import only_writer
from fedarm.policies.checkpoint import (
    LoadedPolicy,
    adopt_pretrained,
    fetch_pretrained,
    load_pretrained,
    sees,
)
from fedarm.policies.normalization import Statistics, identity_moments
from fedarm.policies.presets import PolicyFeatures, build_policy, so101_features
from fedarm.policies.presets.base import ACTION, STATE
from fedarm.provenance import derive_seed
from fedarm.settings import TrainSettings
from fedarm.training.metrics import write_metrics
from fedarm.training.pooled import train_rounds
from fedarm.training.rows import load_evaluated_rows, load_features, load_train_rows
from fedarm.training.start import start_policy
from fedarm.training.store import MetricsLine, RoundStore, run_fingerprint

if TYPE_CHECKING:
    from lerobot.policies.pretrained import PreTrainedPolicy

_PRETRAINING = "pretraining"


def train_base(settings: TrainSettings) -> None:
    """Make the policy that every arm starts from, as the checkpoint of round 0, and its metrics.

    Raises:
        DataError: A dataset of the pool cannot be read, or the clients' recordings differ in their
            cameras or joints.
        CheckpointError: The checkpoint to start from is missing, broken, or of another architecture.
        ResultsError: The results cannot be written.
    """
    with only_writer(settings.checkpoints.parent):
        _train_base(settings)


def _train_base(settings: TrainSettings) -> None:
    store = RoundStore.open(settings, run_fingerprint(settings, Path(__file__)))
    pretraining = settings.checkpoints / _PRETRAINING
    if not store.has(BASE_ROUND):
        base, line = _make_base(settings, pretraining)
        store.save(BASE_ROUND, base.policy, base.statistics, {}, line)
    if pretraining.exists():
        shutil.rmtree(pretraining)
    saved = load_pretrained(store.pretrained_model(BASE_ROUND), expected=settings.policy)
    write_metrics(settings, store, policy=saved.policy)


def train_pooled(settings: TrainSettings) -> None:
    """Train a central or a local run on the pooled rows of its clients, from the base policy.

    Normalisation comes from the clients' sums, as in a federated run. Killed and called again, it goes
    on from its last round and ends with the same bytes.

    Raises:
        DataError: A dataset cannot be read, or the clients' datasets differ in their features.
        CheckpointError: The base is missing, broken, or of another architecture.
        ResultsError: The results cannot be written.
    """
    with only_writer(settings.checkpoints.parent):
        store = RoundStore.open(settings, run_fingerprint(settings, Path(__file__)))
        policy = train_rounds(
            settings,
            store,
            lambda: start_policy(settings),
            rows=load_train_rows(settings.sources, settings.policy.chunk_size),
            held_out=load_evaluated_rows(settings),
        )
        write_metrics(settings, store, policy=policy)


def _make_base(settings: TrainSettings, pretraining: Path) -> tuple[LoadedPolicy, MetricsLine]:
    """Return the base and the metrics line of its making."""
    base = settings.base
    if isinstance(base, PretrainedBase):
        return _pretrain(settings, pretraining)
    line: MetricsLine = {"round": BASE_ROUND, "samples": 0, "clients": {}}
    features = _features(settings)
    if not isinstance(base, CheckpointBase):
        random = _random_policy(settings, features)
        return LoadedPolicy(random, _identity_statistics(features)), line
    folder = (
        Path(base.path)
        if base.path is not None
        else fetch_pretrained(str(base.repo_id), str(base.revision))
    )
    if isinstance(settings.policy, SmolVLAPolicy) and not sees(folder, features):
        adopted = adopt_pretrained(folder, policy=settings.policy, features=features)
        return LoadedPolicy(adopted, _identity_statistics(features)), line
    return load_pretrained(folder, expected=settings.policy), line


def _features(settings: TrainSettings) -> PolicyFeatures:
    """Return what the base sees and commands: the clients' recordings say so, or it is the lab."""
    if settings.shaped_by:
        return load_features(settings.shaped_by)
    return so101_features(settings.policy.image_size)


def _pretrain(settings: TrainSettings, folder: Path) -> tuple[LoadedPolicy, MetricsLine]:
    """Train on the pool from random weights, with rounds of its own that are forgotten at the end."""
    rows = load_train_rows(settings.sources, settings.policy.chunk_size)
    rounds = min(settings.rounds, settings.steps)
    pretraining = replace(
        settings,
        checkpoints=folder,
        rounds=rounds,
        training=settings.training.model_copy(update={"keep_every": rounds}),
    )
    store = RoundStore.open(pretraining, run_fingerprint(pretraining, Path(__file__)))
    policy = train_rounds(
        pretraining,
        store,
        lambda: _random_policy(settings, rows.features),
        rows=rows,
        held_out={},
    )
    samples = sum(line["samples"] for line in store.rows())
    pool = {"+".join(settings.run.clients): {"samples": samples}}
    line: MetricsLine = {"round": BASE_ROUND, "samples": samples, "clients": pool}
    return LoadedPolicy(policy, rows.sums().statistics()), line


def _random_policy(settings: TrainSettings, features: PolicyFeatures) -> PreTrainedPolicy:
    seed = derive_seed(settings.experiment_seed, "weights")
    return build_policy(settings.policy, features, seed=seed)


def _identity_statistics(features: PolicyFeatures) -> Statistics:
    """Return statistics that change nothing, for a policy that has seen no data."""
    shapes: dict[str, tuple[int, ...]] = {
        STATE: (features.state_joints,),
        ACTION: (features.action_joints,),
        **dict.fromkeys(features.cameras, (3, 1, 1)),
    }
    return {key: identity_moments(shape) for key, shape in shapes.items()}
