"""What a SLURM cluster cannot run is refused with a remedy; SLURM's commands are stand-ins here."""

import pytest

from fedarm import cli, slurm
from fedarm.errors import MachineError
from fedarm.slurm import Partition, Request, check_requests, parse_partitions

LISTING = """\
batch|batch*|(null)
big|big|gpu:a100:4(S:0-1),shard:8
big|big|gpu:v100:2,gpu:a100:1
"""
CONFIG = "MinJobAge               = {age} sec\n"


@pytest.fixture
def cluster(monkeypatch, tmp_path):
    """A cluster without accounting; returns a function that changes what a command does."""

    def command(name, script):
        file = tmp_path / name
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)

    for name in ("sbatch", "squeue", "scancel"):
        command(name, "exit 0")
    command("sinfo", f"/bin/cat <<'END'\n{LISTING}END")
    command("scontrol", f"echo '{CONFIG.format(age=300)}'")
    command("sacct", "echo 'Slurm accounting storage is disabled' >&2; exit 1")
    monkeypatch.setenv("PATH", str(tmp_path))
    return command


def test_partitions_are_read():
    assert parse_partitions(LISTING) == (
        Partition("batch", is_default=True, gpus=0),
        Partition("big", is_default=False, gpus=4),
    )


def test_what_fits_passes(cluster):
    check_requests([Request("check_dataset", (), 0), Request("train_base", ("batch", "big"), 4)])


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (Request("train_base", ("bihg",), 0), ["'bihg'", "train_base", "did you mean 'big'?"]),
        (
            Request("train_base", (), 1),
            ["1, and there are at most 0", "train_base:slurm_partition=big", "train_base:gpu=0"],
        ),
        (Request("train_base", ("big",), 5), ["no partition of this cluster has so many"]),
    ],
)
def test_what_does_not_fit_is_refused_with_a_remedy(cluster, request_, words):
    with pytest.raises(MachineError) as refusal:
        check_requests([request_])
    assert all(word in str(refusal.value) for word in words), refusal.value


def test_without_a_default_a_partition_must_be_named(cluster):
    cluster("sinfo", "echo 'big|big|(null)'")
    with pytest.raises(MachineError, match="slurm_partition=NAME; known: big"):
        check_requests([Request("check_dataset", (), 0)])


def test_no_cluster(cluster, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(MachineError, match=r"sinfo, sbatch(.|\n)*remedy: run on a login node"):
        check_requests([])


def test_a_controller_that_does_not_answer(cluster):
    cluster("sinfo", "echo 'Unable to contact slurm controller' >&2; exit 1")
    with pytest.raises(MachineError, match=r"Unable to contact(.|\n)*scontrol ping"):
        check_requests([])


def test_a_cluster_that_forgets_needs_accounts(cluster):
    cluster("scontrol", f"echo '{CONFIG.format(age=30)}'")
    with pytest.raises(MachineError, match=r"MinJobAge(.|\n)*30(.|\n)*accounting"):
        check_requests([])
    cluster("sacct", "exit 0")
    check_requests([])


def test_the_command_lists_partitions(cluster, monkeypatch, capsys):
    # Stands for the executor, which the tests' environment may lack.
    monkeypatch.setattr(slurm, "_PLUGIN", "snakemake")
    assert cli.main(["cluster", "check"]) == 0
    assert capsys.readouterr().out == "batch (default): no GPUs\nbig: up to 4 GPUs a node\n"


def test_the_command_says_that_the_executor_is_missing(cluster, monkeypatch, capsys):
    monkeypatch.setattr(slurm, "_PLUGIN", "snakemake_executor_plugin_of_nobody")
    assert cli.main(["cluster", "check"]) == 2
    assert "make install-slurm" in capsys.readouterr().err
