"""The settings of an experiment's training jobs.

A script that trains imports nothing of the evaluation, so that code of the one makes nothing of the
other stale.
"""

from __future__ import annotations

from fedarm.config import Config
from fedarm.config_training import PretrainedBase, Training
from fedarm.experiment import BASE_ROUND, Experiment
from fedarm.settings import Faults, Run, Runtime, TrainSettings


def train_settings(experiment: Experiment, run: Run) -> TrainSettings:
    """Return the settings of a run's training job."""
    base = run.kind == "base"
    section = experiment.config.federation
    paths = experiment.run_paths(run)
    start = experiment.run_paths(experiment.base_run).pretrained_model(BASE_ROUND)
    return TrainSettings(
        run=run,
        arm=None if base else experiment.config.arms[run.arm],
        base=experiment.config.base,
        policy=experiment.config.policy,
        training=_pretraining(experiment.config) if base else experiment.config.training,
        rounds=section.rounds,
        experiment_seed=experiment.config.seed,
        sources=tuple(experiment.source(name) for name in run.clients),
        evaluated=tuple(
            experiment.source(name) for name in _evaluated_in_training(experiment, run)
        ),
        clients=experiment.config.clients,
        shaped_by=tuple(experiment.source(name) for name in experiment.shaping) if base else (),
        start=None if base else start,
        checkpoints=paths.checkpoints,
        metrics=paths.metrics,
        faults=_faults(experiment) if run.kind == "federated" else Faults(),
        exchange_dtype=section.exchange_dtype if run.kind == "federated" else "float32",
    )


def runtime_of(experiment: Experiment, workers: int | None = None) -> Runtime:
    """Return where federated runs do their work.

    Args:
        experiment: The experiment.
        workers: At most so many clients at the same time, if there are fewer cores than configured.
    """
    section = experiment.config.federation
    return Runtime(
        kind=section.runtime,
        workers=min(section.workers, workers or section.workers),
        client_cpus=section.client_resources.num_cpus,
        client_gpus=section.client_resources.num_gpus,
        connection=section.connection,
    )


def _pretraining(config: Config) -> Training:
    """Return how the starting policy is trained, if it is."""
    if not isinstance(config.base, PretrainedBase):
        return config.training
    schedule = config.base.schedule or config.training.schedule
    return config.training.model_copy(
        update={
            "samples": config.base.samples,
            "batch_size": config.base.batch_size,
            "lr": config.base.lr,
            # There is no held-out loss of the pool for the base to react to.
            "schedule": schedule.model_copy(update={"plateau": None}),
            "early_stop": None,
        }
    )


def _faults(experiment: Experiment) -> Faults:
    section = experiment.config.federation
    return Faults(section.missing_reply, section.min_clients, section.timeout_s)


def _evaluated_in_training(experiment: Experiment, run: Run) -> tuple[str, ...]:
    """Return the datasets whose held-out loss a run reports.

    A client's data make only those runs stale that had them: not the base, which is made before any
    client is known, and not the local arms of other clients, who cannot see them.
    """
    if run.kind == "base":
        return ()
    if run.kind == "local":
        return (*run.clients, *experiment.config.unseen)
    return experiment.evaluated
