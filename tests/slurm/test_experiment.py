"""A dataset, and an arm's training and rollouts, through SLURM: the same bytes as on this machine.

The training is killed three times: by SLURM for its memory, by `scancel`, and with Snakemake. With
`--whole`, the smoke experiment from its datasets to its manifest, too.
"""

import ast
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from fedarm.experiment import load_experiment
from tests.e2e.sameness import same_files
from tests.e2e.workflow import SMOKE, Workflow
from tests.slurm.cluster import Cluster

# configs/smoke.yaml at its smallest, with enough rounds to be killed between two.
CONFIG = """
experiment: one
seeds: [0]
datasets:
  pickplace: {source: sim, tasks: [pickplace], episodes: 2, held_out: 1}
  sorting: {source: sim, tasks: [sorting], episodes: 2, held_out: 1}
clients: [pickplace, sorting]
base: {kind: none}
training: {samples: 1536, batch_size: 16, lr: 0.0005, keep_every: 1, held_out_rows: 16}
federation: {rounds: 12}
arms:
  central: {kind: central}
  fedprox: {kind: federated, strategy: fedprox, mu: 0.01, optimizer_state: average}
rollout: {episodes: 1, progress: {episodes: 1}}
compare: {reference: central, level: checkpoints}
"""
CONFIGURED = ("--configfile", "one.yaml")
RUN = Path("results/one/fedprox/seed0")
TARGET = str(RUN / "rollouts/videos.json")
TIMEOUT_S = 900


@dataclass(frozen=True)
class Outcome:
    """What came of the experiment on the cluster.

    Attributes:
        local: The same on this machine, without a fault.
        remote: The folder that the cluster worked in.
        said: What Snakemake printed, at its first and at its second start.
        first_round_ns: When the first round's model was written, as it was at the first kill and as
            it is at the end.
    """

    local: Workflow
    remote: Workflow
    said: tuple[str, str]
    first_round_ns: tuple[int, int]


def configured(folder: Path) -> Workflow:
    """Return a copy of the workflow with the experiment."""
    workflow = Workflow.copy_to(folder / "copy")
    (workflow.root / "one.yaml").write_text(CONFIG)
    return workflow


@dataclass(frozen=True)
class Sent:
    """A Snakemake that sends jobs to the cluster.

    Attributes:
        process: The process, which leads its own group.
        log: What it prints.
    """

    process: subprocess.Popen[bytes]
    log: Path

    def wait_until(self, done: Callable[[], bool]) -> None:
        """Wait until something has happened, which must be before Snakemake ends."""
        deadline_s = time.monotonic() + TIMEOUT_S
        while not done():
            assert self.process.poll() is None, self.log.read_text()[-6000:]
            assert time.monotonic() < deadline_s, self.log.read_text()[-6000:]
            time.sleep(0.02)

    def kill(self) -> None:
        """End it without a chance to clean up, if it has not ended."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)

    def finish(self) -> tuple[int, str]:
        """Return the exit code, and what was printed, when it has ended."""
        code = self.process.wait(TIMEOUT_S)
        return code, self.log.read_text()


def send(
    cluster: Cluster, workflow: Workflow, *arguments: str, experiment: Sequence[str] = CONFIGURED
) -> Sent:
    """Start Snakemake as on a login node; a small cluster answers sooner than the profile expects."""
    quick = ["--slurm-init-seconds-before-status-checks", "1", "--latency-wait", "5"]
    narrow = ["--set-threads", "rollout_arm=1"]
    log = workflow.root / f"snakemake_{time.monotonic_ns()}.out"
    with log.open("w") as file:
        process = subprocess.Popen(
            ["snakemake", *arguments, "--profile", "profiles/slurm", *experiment, *quick, *narrow],
            cwd=workflow.root,
            env={**cluster.environment, "PYTHONPATH": str(workflow.root)},
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Sent(process, log)


@pytest.fixture(scope="module")
def dataset(cluster, tmp_path_factory):
    """A dataset's jobs, sent to the cluster; gives the folder, the dataset in it, and who has sent them.

    They are done while this machine does the same without SLURM.
    """
    workflow = configured(tmp_path_factory.mktemp("dataset"))
    experiment = load_experiment(workflow.root / "one.yaml")
    paths = experiment.dataset_paths("sorting")
    sent = send(
        cluster,
        workflow,
        str(paths.checks),
        str(experiment.frame_cache("sorting") / "manifest.json"),
    )
    yield workflow, paths.root, sent
    sent.kill()


@pytest.fixture(scope="module")
def local(dataset, tmp_path_factory):
    """The experiment on this machine, as far as one arm's films."""
    workflow = configured(tmp_path_factory.mktemp("local"))
    workflow.run(TARGET, *CONFIGURED)
    return workflow


@pytest.fixture(scope="module")
def outcome(cluster, local, tmp_path_factory):
    """The same through SLURM, from the datasets and the base of this machine."""
    remote = configured(tmp_path_factory.mktemp("remote"))
    shutil.copytree(local.root, remote.root, dirs_exist_ok=True)
    shutil.rmtree(remote.root / RUN)
    model = remote.root / RUN / "checkpoints/round_0001/pretrained_model/model.safetensors"

    # Too little memory at the first attempt; the second is cancelled in the middle of training.
    tight = ("--set-resources", "train_federated:mem_mb=40 if attempt == 1 else 3000")
    first = send(cluster, remote, TARGET, *tight)
    first.wait_until(model.exists)
    model_ns = model.stat().st_mtime_ns
    [job] = cluster.jobs(comment="rule_train_federated", state="R")
    cluster.ask("scancel", job)
    # Snakemake dies as soon as it has submitted the job again.
    first.wait_until(lambda: cluster.jobs(comment="rule_train_federated") not in ([], [job]))
    first.kill()
    said = first.finish()[1]

    # What docs/cluster.md says of a dead Snakemake.
    cluster.ask("scancel", f"--name={re.search(r'SLURM run ID: (.*)', said)[1]}")
    remote.run(*CONFIGURED, "--unlock")
    code, again = send(cluster, remote, TARGET).finish()
    assert code == 0, again[-6000:]
    return Outcome(local, remote, (said, again), (model_ns, model.stat().st_mtime_ns))


def test_the_jobs_of_a_dataset_are_one_and_give_its_bytes(dataset, local):
    workflow, folder, sent = dataset
    code, said = sent.finish()
    assert code == 0, said[-6000:]
    assert said.count("has been submitted with SLURM jobid") == 1
    assert same_files(local.root / folder, workflow.root / folder) > 8


def test_training_and_rollouts_give_the_bytes_of_one_machine(outcome):
    """Checkpoints, metrics, rollouts and films."""
    assert same_files(outcome.local.root / RUN, outcome.remote.root / RUN) > 40


def test_killed_training_went_on_from_its_last_round(outcome):
    at_the_kill, at_the_end = outcome.first_round_ns
    assert at_the_kill == at_the_end


def test_a_job_is_sent_again_with_more_memory(outcome):
    first, second = outcome.said
    assert "exceeded memory limit" in first
    # Killed for its memory, cancelled, and once more.
    assert first.count("has been submitted with SLURM jobid") == 3
    # Training, rollouts.
    assert second.count("has been submitted with SLURM jobid") == 2


@pytest.mark.slow
def test_the_whole_smoke_experiment_ends_with_the_bytes_of_one_machine(
    cluster, tmp_path, pytestconfig
):
    """Every rule through SLURM, with a job cancelled on the way."""
    if not pytestconfig.getoption("whole"):
        pytest.skip("takes a quarter of an hour: make test-slurm ARGS=--whole")
    local, remote = (Workflow.copy_to(tmp_path / name) for name in ("local", "remote"))
    sent = send(cluster, remote, experiment=SMOKE)
    sent.wait_until(lambda: bool(cluster.jobs(comment="rule_rollout_arm", state="R")))
    cluster.ask("scancel", cluster.jobs(comment="rule_rollout_arm", state="R")[0])
    code, said = sent.finish()
    assert code == 0, said[-6000:]
    assert "On the clients' tasks, fedprox against central" in said
    local.run(*SMOKE)
    assert same_files(*(each.root / "results" for each in (local, remote))) > 100


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (["--default-resources", "slurm_partition=cup"], ["'cup'", "did you mean 'cpu'?"]),
        (["--set-resources", "train_central:gpu=2"], ["train_central:gpu=0 computes on the CPU"]),
    ],
)
def test_what_the_cluster_has_not_is_said_before_a_job_is_sent(cluster, tmp_path, asked, words):
    workflow = configured(tmp_path)
    code, said = send(cluster, workflow, *asked).finish()
    assert code != 0
    assert all(word in said for word in words), said
    assert "Traceback" not in said
    assert "has been submitted" not in said
    assert not list((workflow.root / ".snakemake/locks").glob("*"))


@pytest.mark.parametrize(("asked", "usable"), [(["--gpus=1"], ("0",)), ([], ())])
def test_a_job_uses_the_gpus_that_slurm_assigns(cluster, tmp_path, asked, usable):
    script = "from fedarm.gpus import usable_gpus; print(usable_gpus())"
    answer = cluster.ask("srun", *asked, sys.executable, "-c", script)
    assert ast.literal_eval(answer) == usable
