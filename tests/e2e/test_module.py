"""Another workflow uses this one as a module, from a folder of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.e2e.workflow import REPOSITORY, counts, outputs

OUTER = f"""
configfile: "ours.yaml"


module fedarm:
    snakefile:
        "{REPOSITORY}/Snakefile"
    config:
        config["study"]


use rule * from fedarm as fedarm_*


rule paper:
    default_target: True
    input:
        "results/smoke/comparison/results.json",
    output:
        "paper.txt",
    shell:
        "cp {{input}} {{output}}"


onstart:
    fedarm.onstart()
"""


@pytest.fixture
def outer(tmp_path):
    """Return a function that runs Snakemake in a folder with a workflow that uses ours."""
    study = yaml.safe_load((REPOSITORY / "configs/smoke.yaml").read_text())
    (tmp_path / "ours.yaml").write_text(yaml.safe_dump({"study": study}))
    (tmp_path / "Snakefile").write_text(OUTER)

    def run(*arguments):
        binaries = Path(sys.executable).parent
        search = f"{binaries}{os.pathsep}{os.environ['PATH']}"
        return subprocess.run(
            [sys.executable, "-m", "snakemake", "--cores", "2", *arguments],
            cwd=tmp_path,
            env={**os.environ, "PATH": search, "PYTHONPATH": str(REPOSITORY)},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    return run


@pytest.mark.slow
def test_another_workflow_plans_all_rules_and_records_a_dataset(outer, tmp_path):
    plan = outer("--dry-run")
    assert plan.returncode == 0, plan.stdout[-3000:]
    jobs = counts(plan.stdout)
    assert jobs["paper"] == jobs["fedarm_compare_arms"] == jobs["fedarm_train_base"] == 1
    assert jobs["fedarm_train_federated"] == 2
    assert not (tmp_path / "results").exists()

    recorded = outputs(plan.stdout, "fedarm_get_dataset")
    (wanted,) = [each for line in recorded for each in line.split(", ") if "look" in each][1:2]
    assert wanted.endswith("manifest.json")
    done = outer(wanted)
    assert done.returncode == 0, done.stdout[-3000:]
    assert (tmp_path / wanted).is_file()
    # What the jobs read was written by the module's own handler.
    resolved = yaml.safe_load((tmp_path / "results/smoke/config.yaml").read_text())
    assert resolved["policy"]["type"] == "act"


def test_a_module_without_a_configuration_is_told_so(outer, tmp_path):
    (tmp_path / "ours.yaml").write_text("study: {}\n")
    answer = outer("--dry-run")
    assert answer.returncode != 0
    assert "what the module fedarm is given as `config:`" in answer.stdout
    assert "clients: this key is required" in answer.stdout
    assert "Traceback" not in answer.stdout
