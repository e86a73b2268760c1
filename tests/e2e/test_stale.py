"""Only what went stale is run again: asked of Snakemake itself, on a finished smoke experiment."""

import shutil
from pathlib import Path

import pytest

from tests.e2e.workflow import SMOKE, Workflow, counts, outputs

VIDEO = {"analyze_videos", "analyze_base_videos"}


@pytest.fixture(scope="module")
def mine(smoke, tmp_path_factory):
    """Return the finished experiment in a folder of its own, where it may be touched and changed."""
    root = tmp_path_factory.mktemp("stale") / "copy"
    return Workflow(Path(shutil.copytree(smoke.root, root, symlinks=True)))


@pytest.fixture
def edit(mine):
    """Return a function that replaces text in a file of the copy; the file is restored afterwards."""
    originals: dict[Path, str] = {}

    def replace(name, old, new):
        file = mine.root / name
        originals.setdefault(file, file.read_text())
        text = file.read_text()
        assert old in text, f"{name} no longer holds {old!r}"
        file.write_text(text.replace(old, new, 1))

    yield replace
    for file, text in originals.items():
        file.write_text(text)


def test_second_run_does_nothing(mine):
    assert mine.stale_jobs(*SMOKE) == {}


def test_touched_files_do_nothing(mine):
    for path in mine.root.rglob("*"):
        if path.is_file() and ".snakemake" not in path.parts:
            path.touch()
    assert mine.stale_jobs(*SMOKE) == {}


def test_changed_comment_does_nothing(mine, edit):
    for module in ("video/analysis", "training/loop", "provenance"):
        edit(f"fedarm/{module}.py", '"""', '"""Reworded. ')
        edit(f"fedarm/{module}.py", "from __future__", "# A new comment.\nfrom __future__")
    edit("workflow_scripts/train_base.py", "import argparse", "# A new comment.\nimport argparse")
    edit("configs/smoke.yaml", "experiment: smoke", "experiment: smoke  # a new comment")
    assert mine.stale_jobs(*SMOKE) == {}


def test_changed_margin_reruns_compare_only(mine, edit):
    edit("configs/smoke.yaml", "margins: [0.2, 0.1]", "margins: [0.3, 0.1]")
    assert set(mine.stale_jobs(*SMOKE)) == {"compare_arms", "write_manifest"}


def test_a_tracker_makes_nothing_stale(mine):
    tracking = "tracking={tensorboard: true, wandb: {mode: online}}"
    assert mine.stale_jobs(*SMOKE, "--config", tracking) == {}


def test_missing_figure_reruns_compare_only(mine):
    figure = mine.root / "results/smoke/comparison/figures/power.svg"
    kept = figure.rename(figure.with_suffix(".kept"))
    try:
        assert set(mine.stale_jobs(*SMOKE)) == {"compare_arms", "write_manifest"}
    finally:
        kept.rename(figure)


def test_another_experiment_shares_the_datasets(mine, edit):
    edit("configs/smoke.yaml", "experiment: smoke", "experiment: other")
    stale = mine.stale_jobs(*SMOKE)
    assert not {"get_dataset", "get_pool_dataset", "check_dataset", "cache_frames"} & set(stale)
    assert {"gate_datasets", "train_base", "compare_arms"} <= set(stale)


def test_changed_video_code_reruns_video_and_compare(mine, edit):
    edit("fedarm/video/analysis.py", "SCHEMA_VERSION = 2", "SCHEMA_VERSION = 1 + 1 + 1")
    stale = mine.stale_jobs(*SMOKE)
    assert set(stale) == {*VIDEO, "compare_arms", "write_manifest"}
    assert stale["analyze_videos"] == 4


def test_several_changes_are_all_seen(mine, edit):
    edit("configs/smoke.yaml", "margins: [0.2, 0.1]", "margins: [0.3, 0.1]")
    edit("fedarm/video/analysis.py", "SCHEMA_VERSION = 2", "SCHEMA_VERSION = 1 + 1 + 1")
    edit("configs/smoke.yaml", "mu: 0.01", "mu: 0.02")
    stale = mine.stale_jobs(*SMOKE)
    assert stale["analyze_videos"] == 4
    # The strategy's mu is nothing to the other arms.
    assert stale["train_federated"] == 2
    assert not {"train_local", "train_central", "get_dataset"} & set(stale)


def test_one_clients_episodes_rerun_its_dependants(mine, edit):
    edit("configs/smoke.yaml", "tasks: [sorting], episodes: 3", "tasks: [sorting], episodes: 4")
    plan = mine.dry_run(*SMOKE)
    stale = counts(plan)
    assert stale["get_dataset"] == stale["check_dataset"] == stale["cache_frames"] == 1
    assert stale["gate_datasets"] == 1
    assert "train_base" not in stale
    local = " ".join(outputs(plan, "train_local"))
    assert "local_sorting/seed0" in local
    assert "local_pickplace" not in local
    assert stale["train_central"] == 2
    assert stale["train_federated"] == 2


def test_more_progress_rollouts_do_not_retrain(mine, edit):
    edit("configs/smoke.yaml", "progress: {rounds: [1]", "progress: {rounds: []")
    stale = mine.stale_jobs(*SMOKE)
    assert "rollout_arm" in stale
    assert not {"train_local", "train_central", "train_federated", "train_base"} & set(stale)
