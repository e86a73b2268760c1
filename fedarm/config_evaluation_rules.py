"""Rules between a configuration's evaluation, its comparison, and its other sections.

Scenes to roll out in, a reference and the seeds that a verdict needs, looks of equal size, recordings
that are of known datasets: each breach names the key to change. `fedarm.config_rules` asks for all.
"""

from __future__ import annotations

from fedarm.config import Config
from fedarm.config_datasets import SimDataset
from fedarm.config_evaluation import RecordedEvaluation, ReplayEvaluation
from fedarm.errors import ConfigError, suggest


def check_scenes(config: Config, source: str) -> None:
    """Refuse an evaluation in the simulator of which a part has no scene there."""
    if isinstance(config.evaluation, ReplayEvaluation | RecordedEvaluation):
        return
    evaluated = (*config.clients, *config.unseen)
    recorded = [n for n in evaluated if not isinstance(config.datasets[n], SimDataset)]
    if config.evaluation is None and len(recorded) == len(evaluated):
        return
    if recorded:
        raise ConfigError(
            "a dataset of the hub or of a folder has no simulator's scene to roll out in",
            file=source,
            key="clients, unseen" if config.evaluation is None else "evaluation.kind",
            value=recorded,
            remedy="set `evaluation: {kind: replay}`, which compares predictions with held-out"
            " episodes of any dataset; or evaluate recorded and simulated datasets in experiments of"
            " their own",
        )


def check_comparison(config: Config, source: str) -> None:
    """Refuse a reference that is no single policy, and a verdict without the seeds that it needs."""
    if config.compare.reference not in config.arms:
        raise ConfigError(
            "the reference of the comparison is not an arm",
            file=source,
            key="compare.reference",
            value=config.compare.reference,
            remedy=suggest(config.compare.reference, config.arms),
        )
    if config.arms[config.compare.reference].kind == "local":
        whole = [name for name, arm in config.arms.items() if arm.kind != "local"]
        raise ConfigError(
            "the reference must be one policy for all tasks, and local arms have one a client",
            file=source,
            key="compare.reference",
            value=config.compare.reference,
            remedy=f"take one of {', '.join(whole)}" if whole else "add an arm of kind `central`",
        )
    if config.compare.level == "seeds" and len(config.seeds) < 2:
        raise ConfigError(
            "a verdict over training seeds needs at least two seeds",
            file=source,
            key="seeds",
            value=list(config.seeds),
            remedy="add seeds, or set `compare.level: checkpoints` to speak of these checkpoints only",
        )


def check_looks(config: Config, source: str) -> None:
    """Refuse to stop early but for episodes on fixed checkpoints, in looks of equally many."""
    looks, rollout = config.compare.looks, config.rollout
    if looks == 1:
        return
    breaches = {
        "compare.level": (
            config.compare.level != "checkpoints",
            "rollouts can stop early on fixed checkpoints only, never on training seeds",
            "set `compare.level: checkpoints`, or `compare.looks: 1`",
        ),
        "evaluation.kind": (
            isinstance(config.evaluation, ReplayEvaluation | RecordedEvaluation),
            "only rollouts in the simulator can stop early",
            "set `compare.looks: 1`",
        ),
        "rollout.episodes": (
            rollout.episodes % looks != 0,
            f"{looks} looks want equally many episodes before each",
            f"take a multiple of {looks}",
        ),
        "rollout.videos": (
            rollout.videos * looks > rollout.episodes,
            "only episodes before the first look are filmed, for they are rolled out in any case",
            f"film at most {rollout.episodes // looks}",
        ),
        "rollout.as_dataset": (
            rollout.as_dataset,
            "rollouts that may stop early are not written as datasets",
            "set it to false, or `compare.looks: 1`",
        ),
    }
    for key, (broken, what, remedy) in breaches.items():
        if broken:
            section, name = key.split(".")
            value = getattr(getattr(config, section), name)
            raise ConfigError(what, file=source, key=key, value=value, remedy=remedy)


def check_recorded(config: Config, source: str) -> None:
    """Refuse recordings of a real arm that are of unknown datasets or arms, or allow no verdict."""
    evaluation = config.evaluation
    if not isinstance(evaluation, RecordedEvaluation):
        return
    evaluated = (*config.clients, *config.unseen)
    known = {"recordings": evaluated, "arms": tuple(config.arms)}
    for key, given in (("recordings", evaluation.recordings), ("arms", evaluation.arms or ())):
        for name in given:
            if name not in known[key]:
                raise ConfigError(
                    "no such client or unseen dataset" if key == "recordings" else "no such arm",
                    file=source,
                    key=f"evaluation.{key}",
                    value=name,
                    remedy=suggest(name, known[key]),
                )
    if not set(config.clients) & set(evaluation.recordings):
        raise ConfigError(
            "the verdict is on the clients' tasks, and none of them was recorded",
            file=source,
            key="evaluation.recordings",
            value=sorted(evaluation.recordings),
            remedy=f"add the recording of at least one client: {', '.join(config.clients)}",
        )
    if evaluation.arms is not None and config.compare.reference not in evaluation.arms:
        raise ConfigError(
            "the reference of the comparison was not on the real arm",
            file=source,
            key="evaluation.arms",
            value=list(evaluation.arms),
            remedy=f"add {config.compare.reference!r}, or change `compare.reference`",
        )
