from pathlib import Path

from fedarm.errors import FedarmError
from fedarm.experiment import parse_experiment
from fedarm.logging import exit_with
from fedarm.provenance import canonical_json, digest_code, digest_value

SCRIPTS = Path(workflow.basedir) / "workflow_scripts"
CONDA = "../envs/fedarm.yaml"

# What was given last has the last word, so its name stands in messages.
CONFIG_SOURCE = str((workflow.configfiles or ["config.yaml"])[-1])

try:
    experiment = parse_experiment(config, source=CONFIG_SOURCE)
except FedarmError as error:
    exit_with(error)


wildcard_constraints:
    dataset="|".join(experiment.datasets),
    seed=r"\d+",


def code_of(rule_name):
    """Return the digest of the code that a rule's script runs, comments and docstrings aside."""
    return digest_code(SCRIPTS / f"{rule_name}.py")


def run_names(*kinds):
    """Return a wildcard pattern for the folders of the runs of some kinds."""
    names = dict.fromkeys(run.name for run in experiment.runs if run.kind in kinds)
    # A pattern that matches nothing: the experiment has no such arm.
    return "|".join(names) or "(?!)"


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


def recording_threads(wildcards):
    """Return one core for a client's demonstrations and four for a pool many times as large."""
    section = experiment.dataset(wildcards.dataset)
    demonstrations = section.episodes * len(section.tasks) * len(section.variants)
    return 4 if demonstrations > 100 else 1


def verdict_text():
    """Return the verdicts of the comparison and where the report is, for the terminal."""
    summary = experiment.comparison / "verdict.txt"
    return summary.read_text() if summary.exists() else ""


RUN_FOLDER = f"{experiment.root}/{{run}}/seed{{seed}}"
LOG_FOLDER = f"logs/{experiment.config.experiment}/{{run}}/seed{{seed}}"


rule write_config:
    output:
        experiment.resolved_config,
    log:
        f"logs/{experiment.config.experiment}/write_config.log",
    benchmark:
        f"logs/{experiment.config.experiment}/write_config.tsv"
    conda:
        CONDA
    params:
        code=code_of("write_config"),
        config=canonical_json(experiment.config.model_dump(mode="json")),
    shell:
        "python {SCRIPTS}/write_config.py --json {params.config:q} --out {output:q} > {log:q} 2>&1"
