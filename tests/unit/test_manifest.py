"""The manifest of an experiment lists what the stages have written, and nothing else."""

import pytest

from fedarm.crate import CRATE
from fedarm.experiment import parse_experiment
from fedarm.manifest import write_manifest
from fedarm.paths import read_json, write_atomic, write_json

METRICS = "fedprox/seed0/federated_metrics.json"


@pytest.fixture
def repository(tmp_path):
    root = tmp_path / "repository"
    write_atomic(root / "Snakefile", "rule all:\n")
    write_atomic(root / "rules/train.smk", "rule train:\n")
    return root


@pytest.fixture
def experiment(small_config, tmp_path):
    """Return an experiment of which all datasets and the metrics of one run are there."""
    config = {**small_config, "results_dir": str(tmp_path / "results")}
    experiment = parse_experiment(config, source="my.yaml")
    for name in experiment.datasets:
        write_json(experiment.dataset_paths(name).manifest, {"content_sha256": "c" * 64})
    write_json(experiment.root / METRICS, {})
    return experiment


def test_what_a_killed_job_has_left_half_done_is_left_out(experiment, repository):
    root = experiment.root
    write_atomic(root / "fedprox/seed0/rollouts/.pickplace.x1y2z3/videos/0.mp4", b"half a film")
    write_atomic(root / "comparison/.results.json.123.tmp.json", "{")
    write_manifest(experiment, repository=repository)
    listed = {METRICS, "workflow/Snakefile", "workflow/rules/train.smk"}
    assert set(read_json(experiment.manifest)["files"]) == listed
    described = {entity["@id"] for entity in read_json(root / CRATE)["@graph"]}
    assert listed < described
    assert not any("/." in name.removeprefix("./") for name in described if "://" not in name)
