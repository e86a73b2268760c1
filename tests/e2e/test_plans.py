"""Every experiment of the repository is planned, and its jobs ask for memory, time and GPUs."""

import re

import pytest

from tests.e2e.workflow import REPOSITORY, Workflow, counts

CONFIGS = sorted(path.name for path in (REPOSITORY / "configs").glob("*.yaml"))
SMOKE = ("--configfile", "configs/smoke.yaml")
# Two clients at the same time, half a GPU each.
SIMULATION = "{rounds: 2, runtime: simulation, workers: 2, client_resources: {num_gpus: 0.5}}"


@pytest.fixture(scope="module")
def workflow(tmp_path_factory):
    return Workflow.copy_to(tmp_path_factory.mktemp("plans") / "copy")


@pytest.fixture(scope="module")
def smoke_plan(workflow):
    """What a dry run of the smoke experiment prints, on a machine without GPUs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CUDA_VISIBLE_DEVICES", "")
        return workflow.dry_run(*SMOKE)


def resources(plan, rule):
    """Return the resources of the first job of a rule in a plan."""
    line = re.search(rf"rule {rule}:.*?resources: (.*?)\n", plan, re.S)[1]
    return dict(entry.split("=", 1) for entry in line.split(", "))


@pytest.mark.parametrize("name", CONFIGS)
def test_every_configuration_is_planned(workflow, name):
    planned = counts(workflow.dry_run("--configfile", f"configs/{name}"))
    assert planned["train_base"] == planned["compare_arms"] == planned["write_manifest"] == 1
    assert planned["train_federated"] >= 2


def test_every_job_says_what_it_needs(smoke_plan):
    asked = re.findall(r"rule (\w+):(?:(?!\n\n|rule ).)*?resources: (.*?)\n", smoke_plan, re.S)
    rules = {rule: needs for rule, needs in asked if rule != "all"}
    assert len(rules) == len(counts(smoke_plan))
    for rule, needs in rules.items():
        assert "mem_mb=" in needs, rule
        assert "runtime=" in needs, rule


def test_a_job_that_is_tried_again_gets_more_memory(workflow, smoke_plan):
    again = workflow.dry_run(*SMOKE, "--attempt", "2")
    for rule in ("get_dataset", "train_central", "train_federated", "rollout_arm"):
        once, twice = (int(resources(plan, rule)["mem_mb"]) for plan in (smoke_plan, again))
        assert twice == 2 * once


def test_jobs_take_a_gpu_where_there_is_one(workflow, smoke_plan, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    plan = workflow.dry_run(*SMOKE)
    for rule in ("train_base", "train_federated", "rollout_arm"):
        assert resources(plan, rule)["gpu"] == "1"
        assert resources(smoke_plan, rule)["gpu"] == "0"
    assert "gpu" not in resources(plan, "get_dataset")


def test_a_simulation_asks_for_the_gpus_that_it_sets_aside(workflow):
    config = (REPOSITORY / "configs/smoke.yaml").read_text()
    changed = config.replace("federation: {rounds: 2}", f"federation: {SIMULATION}")
    (workflow.root / "simulation.yaml").write_text(changed)
    plan = workflow.dry_run("--configfile", "simulation.yaml")
    assert resources(plan, "train_federated")["gpu"] == "1"


def test_a_node_plans_what_was_asked_of_the_cluster(workflow, monkeypatch):
    """Without a word of the profile one core and no GPU, whatever the node has; else what that says."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    on_node = (*SMOKE, "--mode", "remote", "--cores", "64")
    plan = workflow.dry_run(*on_node)
    asked = [
        *("--set-threads", "rollout_base=3"),
        *("--set-resources", "rollout_base:gpu=2", "train_base:gpu=1"),
    ]
    told = workflow.dry_run(*on_node, *asked)
    for rule in ("train_base", "train_federated", "rollout_base"):
        assert resources(plan, rule)["gpu"] == "0"
    assert resources(plan, "rollout_base")["mem_mb"] == "3000"
    assert (resources(told, "rollout_base")["gpu"], resources(told, "train_base")["gpu"]) == (
        "2",
        "1",
    )
    assert resources(told, "rollout_base")["mem_mb"] == "6000"


def test_a_base_in_a_folder_counts_by_its_content(workflow):
    folder = workflow.root / "given"
    config = (REPOSITORY / "configs/smoke.yaml").read_text()
    base = "base: {kind: checkpoint, path: given}"
    changed = re.sub(r"^base:.*(?:\n[ #].*)*", base, config, flags=re.M)
    assert base in changed
    (workflow.root / "given.yaml").write_text(changed)
    planned = ("--dry-run", "--configfile", "given.yaml")
    refused = workflow.snakemake(*planned)
    assert refused.returncode != 0
    assert "base.path" in refused.stdout
    assert "Traceback" not in refused.stdout
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_text("weights")
    assert counts(workflow.run(*planned))["train_base"] == 1
