"""The smoke experiment end to end: what it leaves, that it repeats to the byte, that it goes on."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.e2e.sameness import same_files, same_metrics
from tests.e2e.workflow import SMOKE, Workflow
from tests.unit.tracking.reading import tensorboard_rounds

RUNS = (
    ["base/seed0"]
    + [
        f"{name}/seed{k}"
        for name in ("local_pickplace", "local_sorting", "central")
        for k in (0, 1)
    ]
    + [f"fedprox/seed{k}" for k in (0, 1)]
)
DATASETS = ("pickplace", "sorting", "pickplace_new_look")


def results(workflow: Workflow) -> Path:
    return workflow.root / "results" / "smoke"


def read(path: Path):
    return json.loads(path.read_text())


def without_network(root: Path) -> dict[str, str]:
    """Return an environment in which a connection to another machine is refused and written down."""
    return {
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent / "offline"), str(root)]),
        "FEDARM_TEST_CONNECTIONS": str(root / "connections.txt"),
        "HF_HUB_OFFLINE": "1",
    }


@pytest.fixture(scope="session")
def again(tmp_path_factory):
    """Return a second run in another folder, without a network and watched by a tracker."""
    root = Workflow.copy_to(tmp_path_factory.mktemp("second") / "deeper").root
    workflow = Workflow(root, without_network(root))
    workflow.run(*SMOKE, "--config", "tracking={tensorboard: true}")
    return workflow


@pytest.mark.parametrize("run", RUNS)
def test_every_run_leaves_what_it_should(smoke, run):
    folder = results(smoke) / run
    metrics = "federated_metrics.json" if run.startswith("fedprox") else "metrics.json"
    assert read(folder / metrics)["schema_version"] == 1
    last = 0 if run.startswith("base") else 2
    model = folder / "checkpoints" / f"round_{last:04d}" / "pretrained_model"
    assert {"config.json", "model.safetensors", "policy_preprocessor.json"} <= {
        path.name for path in model.iterdir()
    }
    for dataset in DATASETS:
        episodes = pd.read_parquet(folder / "rollouts" / dataset / "episodes.parquet")
        assert len(episodes[episodes["final"]]) == 3
        assert list((folder / "rollouts" / dataset / "videos").glob("*.mp4"))
    analysis = read(folder / "video_analysis.json")
    assert analysis["videos"]
    assert all(video["decodable"] for video in analysis["videos"])


def test_all_arms_meet_the_same_initial_conditions(smoke):
    seeds = {
        tuple(
            pd.read_parquet(results(smoke) / run / "rollouts" / "sorting" / "episodes.parquet")
            .query("final")
            .sort_values("episode")["initial_condition_seed"]
        )
        for run in RUNS
    }
    assert len(seeds) == 1


def test_reels_show_the_arms_on_one_initial_condition(smoke):
    for dataset in DATASETS:
        reels = results(smoke) / "reels"
        record = read(reels / f"arms_{dataset}.json")
        own = [] if dataset == "pickplace_new_look" else [f"local_{dataset}"]
        assert [tile["run"] for tile in record["tiles"]] == ["base", *own, "central", "fedprox"]
        for name in (f"arms_{dataset}.mp4", f"progress_{dataset}.mp4"):
            assert (reels / name).stat().st_size > 10_000
        rounds = [tile["round"] for tile in read(reels / f"progress_{dataset}.json")["tiles"]]
        assert rounds == [0, 1, 2, 0, 1, 2]


def test_budgets_are_equal(smoke):
    central = read(results(smoke) / "central/seed0/metrics.json")
    federated = read(results(smoke) / "fedprox/seed0/federated_metrics.json")
    local = [
        read(results(smoke) / f"local_{name}/seed0/metrics.json")
        for name in ("pickplace", "sorting")
    ]
    assert central["samples"] == federated["samples"] == 256
    assert sum(run["samples"] for run in local) == 256


def test_federated_metrics_hold_every_round(smoke):
    metrics = read(results(smoke) / "fedprox/seed0/federated_metrics.json")
    assert [line["round"] for line in metrics["rounds"]] == [0, 1, 2]
    last = metrics["rounds"][-1]
    assert set(last["clients"]) == {"pickplace", "sorting"}
    assert set(last["held_out_loss"]) == set(DATASETS)
    for client in last["clients"].values():
        assert client["proximal_term"] > 0
        assert client["update_norm"] > 0
    assert last["bytes_up"] > 0
    assert last["bytes_down"] > 0


def test_verdict_has_its_interval(smoke):
    report = read(results(smoke) / "comparison/results.json")
    assert report["schema_version"] == 1
    keys = {
        "candidate",
        "reference",
        "metric",
        "margin",
        "verdict",
        "ratio",
        "ratio_ci",
        "difference",
        "difference_ci",
        "seeds",
        "tasks",
        "episodes_per_cell",
        "smallest_detectable",
    }
    assert all(keys <= set(verdict) for verdict in report["verdicts"])
    assert {verdict["candidate"] for verdict in report["verdicts"]} == {"fedprox"}
    html = (results(smoke) / "comparison/report.html").read_text()
    assert "http://" not in html.replace("http://www.w3.org", "")
    assert 'data-clip="0"' in html


def test_manifest_covers_every_file(smoke):
    manifest = read(results(smoke) / "manifest.json")
    on_disk = {
        path.relative_to(results(smoke)).as_posix()
        for path in results(smoke).rglob("*")
        if path.is_file()
    }
    assert set(manifest["files"]) == on_disk - {"manifest.json", "ro-crate-metadata.json"}


@pytest.mark.slow
def test_same_bytes_in_another_folder(smoke, again):
    """Model files, metrics (timings apart), rollouts, videos and results are the same bytes."""
    assert same_files(results(smoke), results(again)) > 100


@pytest.mark.slow
def test_a_tracker_has_seen_every_round_of_every_run(again):
    logs = again.root / "logs" / "smoke"
    for run in RUNS:
        seen = tensorboard_rounds(logs / run / "tensorboard", "samples")
        rounds = [0] if run.startswith("base") else [0, 1, 2]
        assert [number for number, _ in seen] == rounds, run


@pytest.mark.slow
def test_no_other_machine_is_asked(again):
    tried = Path(again.environment["FEDARM_TEST_CONNECTIONS"])
    assert not tried.exists(), tried.read_text()


def test_a_connection_to_another_machine_is_refused_and_written_down(tmp_path):
    """The guard of the test above: it must see what it is to rule out."""
    asks = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=1)"
    environment = {**os.environ, **without_network(tmp_path)}
    answer = subprocess.run(
        [sys.executable, "-c", asks], env=environment, capture_output=True, text=True
    )
    assert "the network was asked for 192.0.2.1" in answer.stderr
    assert "192.0.2.1" in (tmp_path / "connections.txt").read_text()


def train_command(workflow: Workflow, folder: Path) -> list[str]:
    script = workflow.root / "workflow_scripts" / "train_federated.py"
    arguments = ["--config", str(folder / "config.yaml"), "--run", "fedprox", "--seed", "0"]
    return [sys.executable, str(script), *arguments]


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["after the first round", "in local steps"])
def test_killed_training_goes_on_to_the_same_bytes(smoke, tmp_path, moment):
    """SIGKILL, start again, and the model is the one of the unbroken run."""
    config = (results(smoke) / "config.yaml").read_text()
    base = tmp_path / "results" / "smoke" / "base"
    base.parent.mkdir(parents=True)
    (tmp_path / "results" / "datasets").symlink_to(smoke.root / "results" / "datasets")
    base.symlink_to(results(smoke) / "base")
    (tmp_path / "config.yaml").write_text(config)
    command = train_command(smoke, tmp_path)
    environment = {**os.environ, "PYTHONPATH": str(smoke.root)}
    checkpoints = tmp_path / "results/smoke/fedprox/seed0/checkpoints"
    process = subprocess.Popen(command, cwd=tmp_path, env=environment, start_new_session=True)
    waited_for = checkpoints / "round_0001" if moment == "after the first round" else checkpoints
    while not waited_for.exists():
        assert process.poll() is None, "training ended before it could be killed"
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    metrics = tmp_path / "results/smoke/fedprox/seed0/federated_metrics.json"
    assert not metrics.exists()
    subprocess.run(command, cwd=tmp_path, env=environment, check=True)
    unbroken = results(smoke) / "fedprox/seed0"
    assert same_metrics(metrics, unbroken / "federated_metrics.json")
    model = "checkpoints/round_0002/pretrained_model/model.safetensors"
    assert (metrics.parent / model).read_bytes() == (unbroken / model).read_bytes()


def test_bad_configuration_writes_nothing(smoke, tmp_path):
    config = (smoke.root / "configs/smoke.yaml").read_text()
    bad = tmp_path / "bad.yaml"
    bad.write_text(config.replace("rounds: 2}", "rouds: 2}"))
    answer = smoke.snakemake("--configfile", str(bad), "--directory", str(tmp_path / "work"))
    assert answer.returncode != 0
    assert "did you mean 'rounds'" in answer.stdout
    assert str(bad) in answer.stdout
    assert "Traceback" not in answer.stdout
    assert not (tmp_path / "work" / "results").exists()


def test_checkpoint_of_another_architecture_is_refused(smoke, tmp_path):
    config = (results(smoke) / "config.yaml").read_text()
    other = tmp_path / "config.yaml"
    other.write_text(config.replace("dim_model: 128", "dim_model: 64"))
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "datasets").symlink_to(smoke.root / "results" / "datasets")
    (tmp_path / "results" / "smoke").mkdir()
    (tmp_path / "results" / "smoke" / "base").symlink_to(results(smoke) / "base")
    answer = subprocess.run(
        train_command(smoke, tmp_path), cwd=tmp_path, capture_output=True, text=True
    )
    assert answer.returncode == 2
    assert "dim_model" in answer.stderr
    assert "Traceback" not in answer.stderr
    assert not np.any(["metrics" in path.name for path in (tmp_path / "results").rglob("*.json")])
