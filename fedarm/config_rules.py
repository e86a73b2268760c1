"""Rules of a configuration that span several sections, checked before anything runs.

Budgets that divide, clients that are not unseen sets: each breach names the key to change. What the
evaluation and the comparison ask for is in `fedarm.config_evaluation_rules`.
"""

from __future__ import annotations

import os
from pathlib import Path

from fedarm.config import Config
from fedarm.config_arms import KrumArm, TrimmedMeanArm
from fedarm.config_datasets import Dataset, SimDataset
from fedarm.config_evaluation_rules import (
    check_comparison,
    check_looks,
    check_recorded,
    check_scenes,
)
from fedarm.config_training import PretrainedBase
from fedarm.errors import ConfigError, suggest


def check_rules(config: Config, source: str) -> None:
    """Check the rules that span several sections.

    Args:
        config: A configuration that satisfies the schema.
        source: What to call it in messages.

    Raises:
        ConfigError: A rule is broken; the message names the key to change.
    """
    _check_name(config, source)
    _check_dataset_names(config, source)
    check_scenes(config, source)
    _check_arms(config, source)
    _check_federation(config, source)
    _check_budget(config, source)
    _check_runtime(config, source)
    check_comparison(config, source)
    check_looks(config, source)
    check_recorded(config, source)
    _check_writable(config, source)


def _check_name(config: Config, source: str) -> None:
    if config.experiment == "datasets":
        raise ConfigError(
            "the datasets of all experiments have a folder of this name",
            file=source,
            key="experiment",
            value=config.experiment,
            remedy="call the experiment otherwise",
        )


def _check_dataset_names(config: Config, source: str) -> None:
    pool = config.base.datasets if isinstance(config.base, PretrainedBase) else ()
    groups = {"clients": config.clients, "unseen": config.unseen, "base.datasets": pool}
    for key, names in groups.items():
        for name in names:
            if name not in config.datasets:
                raise ConfigError(
                    "no such dataset",
                    file=source,
                    key=key,
                    value=name,
                    remedy=suggest(name, config.datasets),
                )
    for key in ("unseen", "base.datasets"):
        for name in sorted(set(config.clients) & set(groups[key])):
            raise ConfigError(
                f"a client's dataset cannot also be in {key}: it would be trained on",
                file=source,
                key=key,
                value=name,
                remedy=f"take {name!r} out of `clients` or out of `{key}`",
            )
    for name in sorted(set(config.unseen) & set(pool)):
        raise ConfigError(
            "an unseen set cannot be in the pool that the base policy is trained on",
            file=source,
            key="base.datasets",
            value=name,
            remedy=f"take {name!r} out of `unseen` or out of `base.datasets`",
        )
    for name in (*config.clients, *config.unseen):
        _check_evaluated_dataset(name, config.datasets[name], source)


def _check_evaluated_dataset(name: str, dataset: Dataset, source: str) -> None:
    if dataset.held_out < 1:
        raise ConfigError(
            "at least one held-out episode is needed for the held-out loss",
            file=source,
            key=f"datasets.{name}.held_out",
            value=dataset.held_out,
            remedy="set it to 1 or more",
        )
    # How many episodes a recorded dataset has is seen when it is there.
    if isinstance(dataset, SimDataset):
        _check_sim_dataset(name, dataset, source)


def _check_sim_dataset(name: str, dataset: SimDataset, source: str) -> None:
    if len(dataset.tasks) != 1 or len(dataset.variants) != 1:
        raise ConfigError(
            "a client or unseen dataset has exactly one task and one variant, to be rolled out on",
            file=source,
            key=f"datasets.{name}",
            value=[*dataset.tasks, *dataset.variants],
            remedy="split it into several datasets",
        )
    if dataset.held_out > dataset.episodes:
        raise ConfigError(
            "more held-out episodes than episodes",
            file=source,
            key=f"datasets.{name}.held_out",
            value=dataset.held_out,
            remedy=f"set it to at most {dataset.episodes}",
        )


def _check_arms(config: Config, source: str) -> None:
    for name in config.clients:
        dataset = config.datasets[name]
        if isinstance(dataset, SimDataset) and dataset.held_out >= dataset.episodes:
            raise ConfigError(
                "no episode is left to train on",
                file=source,
                key=f"datasets.{name}.held_out",
                value=dataset.held_out,
                remedy=f"set it below `episodes` ({dataset.episodes})",
            )
    for name, arm in config.arms.items():
        # Folders are named by arm, and those of local arms and clients must not collide with them.
        expected = None if arm.kind == "federated" else arm.kind
        reserved = {"base", "local", "central", "comparison", "datasets", "reels", "workflow"}
        if (expected and name != expected) or (
            not expected and (name in reserved or name.startswith("local_"))
        ):
            raise ConfigError(
                f"an arm of kind {arm.kind!r} cannot have this name",
                file=source,
                key=f"arms.{name}",
                value=name,
                remedy=f"call it {expected!r}" if expected else "name it after its strategy",
            )


def _check_federation(config: Config, source: str) -> None:
    clients = len(config.clients)
    fewest = config.federation.min_clients or clients
    if fewest > clients:
        raise ConfigError(
            f"a round cannot have more clients than there are, {clients}",
            file=source,
            key="federation.min_clients",
            value=fewest,
            remedy=f"set it to at most {clients}",
        )
    for name, arm in config.arms.items():
        if isinstance(arm, TrimmedMeanArm | KrumArm) and fewest < arm.least_clients:
            raise ConfigError(
                f"{arm.hostile} hostile clients need rounds of at least {arm.least_clients} clients, "
                f"and a round may have {fewest}",
                file=source,
                key=f"arms.{name}.hostile",
                value=arm.hostile,
                remedy="lower `hostile`, add clients, or raise `federation.min_clients`",
            )


def _check_budget(config: Config, source: str) -> None:
    """Equal budgets need whole numbers of steps: in all, a client, and a client and round."""
    unit = config.federation.rounds * len(config.clients) * config.training.batch_size
    if config.training.samples % unit:
        nearest = max(round(config.training.samples / unit), 1) * unit
        raise ConfigError(
            f"the budget does not divide into {config.federation.rounds} rounds x "
            f"{len(config.clients)} clients x batches of {config.training.batch_size}",
            file=source,
            key="training.samples",
            value=config.training.samples,
            remedy=f"set it to a multiple of {unit}, for example {nearest}",
        )
    if isinstance(config.base, PretrainedBase) and config.base.samples % config.base.batch_size:
        raise ConfigError(
            "the base's budget is not a whole number of batches",
            file=source,
            key="base.samples",
            value=config.base.samples,
            remedy=f"set it to a multiple of {config.base.batch_size}",
        )
    kept = range(config.training.keep_every, config.federation.rounds, config.training.keep_every)
    for number in config.rollout.progress.rounds:
        if number not in kept:
            raise ConfigError(
                "no checkpoint is kept of this progress round",
                file=source,
                key="rollout.progress.rounds",
                value=number,
                remedy=f"use some of {list(kept)}, or change `training.keep_every`",
            )
    if config.rollout.progress.episodes > config.rollout.episodes:
        raise ConfigError(
            "progress rollouts use the first initial conditions of the full evaluation",
            file=source,
            key="rollout.progress.episodes",
            value=config.rollout.progress.episodes,
            remedy=f"set it to at most `rollout.episodes` ({config.rollout.episodes})",
        )


def _check_runtime(config: Config, source: str) -> None:
    federation = config.federation
    if federation.workers > len(config.clients):
        raise ConfigError(
            "more workers than clients",
            file=source,
            key="federation.workers",
            value=federation.workers,
            remedy=f"set it to at most {len(config.clients)}",
        )
    if (federation.runtime == "deployment") != (federation.connection is not None):
        raise ConfigError(
            "a deployment, and nothing else, needs the name of a SuperLink's connection",
            file=source,
            key="federation.connection",
            value=federation.connection,
            remedy="name a connection of Flower's config.toml (docs/federation.md), or leave it out",
        )


def _check_writable(config: Config, source: str) -> None:
    """Refuse a results folder that cannot be written, before any work is done."""
    folder = Path(config.results_dir).absolute()
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        raise ConfigError(
            "the results folder cannot be written",
            file=source,
            key="results_dir",
            value=config.results_dir,
            remedy="choose a folder that you may write",
        )
