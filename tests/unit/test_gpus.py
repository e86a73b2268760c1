"""Jobs side by side take different GPUs: made-up ones, for nothing is computed on them here."""

import os
import subprocess
import sys

import pytest

from fedarm import gpus
from fedarm.errors import MachineError
from fedarm.gpus import VISIBLE, claimed_gpus, gpus_for_each, parse_listing, usable_gpus

LISTING = """\
GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-5d5ba0d6)
GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-63feeb45)
  MIG 3g.20gb     Device  0: (UUID: MIG-c7384736)
  MIG 2g.10gb     Device  1: (UUID: MIG-a28ad590)
"""
# Claims GPUs, says which, and holds them until its input ends.
HOLDER = """
import os, sys
from fedarm.gpus import claimed_gpus
with claimed_gpus(int(sys.argv[1])):
    print(os.environ["CUDA_VISIBLE_DEVICES"], flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def machine(monkeypatch, tmp_path):
    """Two GPUs, no SLURM, and locks of this test alone."""
    monkeypatch.setenv(VISIBLE, "GPU-a,GPU-b")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)


@pytest.fixture
def hold():
    """Return a function that starts a process which claims GPUs; gives the process and its GPUs."""
    started = []

    def start(count):
        process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(count)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process, process.stdout.readline().strip()

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_jobs_side_by_side_take_different_gpus(hold):
    first, second = hold(1), hold(1)
    assert {first[1], second[1]} == {"GPU-a", "GPU-b"}


def test_a_killed_job_gives_its_gpu_back(hold):
    process, gpu = hold(1)
    hold(1)
    process.kill()
    process.wait()
    assert hold(1)[1] == gpu


def test_more_jobs_than_gpus_share_them_evenly(hold):
    taken = [hold(1)[1] for _ in range(4)]
    assert sorted(taken) == ["GPU-a", "GPU-a", "GPU-b", "GPU-b"]


def test_one_job_takes_several(hold):
    assert hold(2)[1] == "GPU-a,GPU-b"


def test_a_job_that_asks_for_none_sees_none():
    with claimed_gpus(0):
        assert os.environ[VISIBLE] == ""
    assert os.environ[VISIBLE] == "GPU-a,GPU-b"


def test_a_job_that_says_nothing_takes_one_if_there_is_any(monkeypatch):
    with claimed_gpus(None) as taken:
        assert taken == ("GPU-a",)
    monkeypatch.setenv(VISIBLE, "")
    with claimed_gpus(None) as taken:
        assert taken == ()


def test_gpus_that_are_not_there_are_refused():
    with (
        pytest.raises(MachineError, match=r"asks for 3 GPUs, and there are 2(.|\n)*remedy"),
        claimed_gpus(3),
    ):
        pass


def test_slurm_assigns(monkeypatch, tmp_path):
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    with claimed_gpus(1) as taken:
        assert taken == ("GPU-a",)
        assert not list(tmp_path.iterdir())
    monkeypatch.delenv(VISIBLE)
    # A node without device confinement shows GPUs that belong to others.
    monkeypatch.setattr(gpus, "_installed_gpus", lambda: ("GPU-of-others",))
    assert usable_gpus() == ()
    with pytest.raises(MachineError, match="--set-resources"), claimed_gpus(1):
        pass


@pytest.mark.parametrize(
    ("visible", "usable"), [("", ()), ("-1", ()), ("1, 0", ("1", "0")), ("0,0", ("0",))]
)
def test_what_is_visible_counts(monkeypatch, visible, usable):
    monkeypatch.setenv(VISIBLE, visible)
    assert usable_gpus() == usable


def test_workers_share_out_the_gpus_of_a_job(monkeypatch):
    assert gpus_for_each(3) == ("GPU-a", "GPU-b", "GPU-a")
    monkeypatch.setenv(VISIBLE, "")
    assert gpus_for_each(2) == ("", "")


def test_of_a_gpu_in_parts_its_parts_are_listed():
    assert parse_listing(LISTING) == ("GPU-5d5ba0d6", "MIG-c7384736", "MIG-a28ad590")


def test_the_driver_is_asked_where_nothing_is_said(monkeypatch, tmp_path):
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{LISTING}END\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.delenv(VISIBLE)
    gpus._installed_gpus.cache_clear()
    assert len(usable_gpus()) == 3
    gpus._installed_gpus.cache_clear()
