import math
import os
import shutil
from pathlib import Path

from snakemake.settings.types import DeploymentMethod

from fedarm.code_digest import digest_code
from fedarm.declaration import declare
from fedarm.errors import FedarmError, MachineError
from fedarm.evaluation_jobs import (
    recorded_digest,
    recorded_settings,
    reels,
    replay_settings,
    rollout_settings,
)
from fedarm.experiment import parse_experiment, write_resolved_config
from fedarm.gpus import one_gpu_if_any
from fedarm.local_checkpoints import digest_local_base
from fedarm.logging import exit_with
from fedarm.provenance import digest_value
from fedarm.slurm import Request, check_requests
from fedarm.tracking.beside import TrackingBeside
from fedarm.training_jobs import train_settings

# What this file lies in, also where another workflow uses it as a module.
CHECKOUT = Path(workflow.current_basedir).parent

# Conda environments hold what fedarm imports, and not fedarm: jobs take it from this checkout, as this file
# does. In the command, because Snakemake unsets PYTHONPATH for jobs in a conda environment; what stands
# before it is Snakemake's own prefix for bash, which this one replaces.
shell.prefix(
    "set -euo pipefail; export PYTHONPATH={CHECKOUT:q}${{PYTHONPATH:+:$PYTHONPATH}}; "
)

# A wildcard pattern that matches nothing, for an experiment that has no such arm or dataset.
NOTHING = "(?!)"

# What was given last has the last word, so its name stands in messages.
CONFIG_SOURCE = (
    f"what the module {__name__} is given as `config:`"
    if IS_MODULE
    else str((workflow.configfiles or ["config.yaml"])[-1])
)

# Of Snakemake's deployment methods only conda alone asks for a conda on this machine; Snakemake notices that
# there is none without a word on what to do, and one that is too old with it.
DEPLOYMENT = workflow.deployment_settings.deployment_method
if set(DEPLOYMENT) == {DeploymentMethod.CONDA} and shutil.which("conda") is None:
    exit_with(
        MachineError(
            "--use-conda, and no `conda` on the PATH",
            key="PATH",
            value=os.pathsep.join(os.get_exec_path()),
            remedy="activate conda's base environment, or install Miniforge (conda 24.7.1 or newer); without"
            " --use-conda, jobs run in the environment of `make install`",
        )
    )

try:
    experiment = parse_experiment(config, source=CONFIG_SOURCE)
    # None unless the experiment is evaluated on a real arm; then labels and recordings must be there.
    RECORDED_DIGEST = (
        recorded_digest(experiment)
        if experiment.evaluation.kind == "recorded"
        else None
    )
    # None unless the base is a checkpoint in a folder, which must be there.
    BASE_DIGEST = digest_local_base(experiment.config.base, source=CONFIG_SOURCE)
except FedarmError as error:
    exit_with(error)

tracking = TrackingBeside(experiment)


wildcard_constraints:
    dataset="|".join(experiment.datasets),
    version="[0-9a-f]{12}",
    size=r"\d+",
    seed=r"\d+",


def script_of(rule_name):
    """Return a rule's script, relative to the working directory: moving both makes nothing stale."""
    return os.path.relpath(CHECKOUT / "workflow_scripts" / f"{rule_name}.py")


def code_of(rule_name):
    """Return the digest of the code that a rule's script runs, comments and docstrings aside."""
    return digest_code(Path(script_of(rule_name)))


def run_names(*kinds):
    """Return a wildcard pattern for the folders of the runs of some kinds."""
    names = dict.fromkeys(run.name for run in experiment.runs if run.kind in kinds)
    return "|".join(names) or NOTHING


def rollout_names(*kinds):
    """Return a wildcard pattern for the runs that are rolled out in the simulator."""
    return run_names(*kinds) if experiment.rolled_out else NOTHING


def run_of(wildcards):
    """Return the run that a rule's wildcards name."""
    return experiment.run(wildcards.run, int(wildcards.seed))


def metrics_of(run):
    """Return the metrics file of a run: written last in training, so it stands for its checkpoints."""
    return experiment.run_paths(run).metrics


def caches_of(names):
    """Return the frame caches' manifests, and the checks that the datasets have passed."""
    manifests = [experiment.frame_cache(name) / "manifest.json" for name in names]
    return manifests + [experiment.dataset_paths(name).checks for name in names]


def dataset_names(names):
    """Return a wildcard pattern for some datasets."""
    return "|".join(names) or NOTHING


def targets():
    """Return what `all` asks for.

    The figures too, although the manifest comes last: where a file in between is missing, of a finished
    experiment that an update has given another figure, Snakemake sees nothing to be done.
    """
    return [experiment.manifest, *FIGURE_FILES]


def verdict_text():
    """Return the verdicts of the comparison, for the terminal."""
    summary = experiment.comparison / "verdict.txt"
    return summary.read_text() if summary.exists() else ""


def training_inputs(wildcards):
    """Return what a run's training reads: its clients' data, and all on which its loss is reported."""
    return data_of([run_of(wildcards)])


def local_training_inputs(wildcards):
    """Return what the training of a client's local runs reads."""
    return data_of(experiment.runs_named(wildcards.run))


def data_of(runs):
    """Return the frame caches and checks that the training of some runs reads."""
    settings = [train_settings(experiment, run) for run in runs]
    sources = [
        source for each in settings for source in (*each.sources, *each.evaluated)
    ]
    return caches_of(dict.fromkeys(source.name for source in sources))


def gate_of(wildcards):
    """Return the gate for a run on several clients' data; a local arm cannot see the others'."""
    return [] if run_of(wildcards).kind == "local" else [experiment.gate]


def training_digest(wildcards):
    """Return the digest of a run's training settings."""
    return train_settings(experiment, run_of(wildcards)).digest()


def local_training_digest(wildcards):
    """Return the digest of the training settings of a client's local runs."""
    runs = experiment.runs_named(wildcards.run)
    return digest_value([train_settings(experiment, run).digest() for run in runs])


def on_cluster():
    """Return whether jobs run on a cluster's nodes: this process submits them, or runs a submitted one.

    On its node a job is planned once more, by a Snakemake that takes the node for its own machine. Both have
    to ask for the same, or the job would take what SLURM has not assigned to it.
    """
    return workflow.non_local_exec or workflow.remote_exec


def rollout_workers(wildcards):
    """Return the processes of a rollout job: the machine's cores over the arms' jobs, at least one.

    A cluster has no number of cores, so that there its profile says it.
    """
    if on_cluster():
        return 1
    jobs = len({run.name for run in experiment.runs})
    return max(1, (workflow.resource_settings.cores or 1) // jobs)


def more_each_time(mem_mb):
    """Return a job's memory: once as much at its first attempt, twice as much at the second, and so on."""
    return lambda wildcards, attempt: attempt * mem_mb


def gpus_here(wildcards):
    """Return the GPUs of a job that computes on one: one, if this machine has any.

    A cluster's nodes have other GPUs than the machine that plans, so that there its profile says it.
    """
    return 0 if on_cluster() else one_gpu_if_any()


def federation_gpus(wildcards, threads):
    """Return the GPUs of a federated run: those that the simulation sets aside, or as of other jobs."""
    section = experiment.config.federation
    aside = section.client_resources.num_gpus
    if section.runtime == "simulation" and aside:
        return math.ceil(min(threads, section.workers) * aside)
    return gpus_here(wildcards)


def check_cluster():
    """Refuse jobs that this SLURM cluster cannot run, before one is submitted."""
    if workflow.executor_plugin.name != "slurm":
        return
    jobs = {job.rule.name: job for job in workflow.dag.needrun_jobs()}
    requests = [
        Request(
            name,
            partitions=tuple(
                filter(None, str(job.resources.get("slurm_partition", "")).split(","))
            ),
            gpus=job.resources.get("gpu", 0),
        )
        for name, job in jobs.items()
        if not job.is_local
    ]
    try:
        check_requests(requests)
    except FedarmError as error:
        exit_with(error)


def rollout_digest(wildcards):
    """Return the digest of the rollout settings of an arm's runs."""
    runs = experiment.runs_named(wildcards.run)
    return digest_value([rollout_settings(experiment, run).digest() for run in runs])


def reference_rollouts(wildcards):
    """Return the reference's rollouts if an arm's own stop when its margins are decided."""
    plan = rollout_settings(experiment, experiment.runs_named(wildcards.run)[0]).plan
    if plan is None:
        return []
    return [
        run.episodes(dataset) for run in plan.reference for dataset in plan.datasets
    ]


def replay_digest(wildcards):
    """Return the digest of the replay settings of an arm's runs."""
    runs = experiment.runs_named(wildcards.run)
    return digest_value([replay_settings(experiment, run).digest() for run in runs])


def resolved_config(wildcards, output):
    """Return the resolved configuration, which `onstart` writes.

    It is no input: Snakemake looks for no other change downstream of a job that runs, so a rule that wrote
    it would hide, by any change of the configuration, what else has changed. And since this asks for the
    output, Snakemake takes it for derived and does not watch it: experiments that share a dataset would
    each make it anew after the other.
    """
    return str(experiment.resolved_config)


RUN_FOLDER = f"{experiment.root}/{{run}}/seed{{seed}}"
LOG_FOLDER = f"logs/{experiment.config.experiment}/{{run}}/seed{{seed}}"
