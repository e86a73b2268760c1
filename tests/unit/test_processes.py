"""Workers do not outlive the process that started them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

JOB = """
import os
import time

from fedarm.processes import worker_pool


def work():
    print(os.getpid(), flush=True)
    time.sleep(600)


if __name__ == "__main__":
    with worker_pool(2, module="json") as pool:
        for task in [pool.submit(work), pool.submit(work)]:
            task.result()
"""
DEADLINE_S = 30


def is_running(pid):
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_workers_of_a_killed_job_end_in_the_middle_of_their_tasks(tmp_path):
    script = tmp_path / "job.py"
    script.write_text(JOB)
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True) as job:
        workers = [int(job.stdout.readline()) for _ in range(2)]
        assert all(map(is_running, workers))
        os.kill(job.pid, signal.SIGKILL)
        deadline_s = time.monotonic() + DEADLINE_S
        while any(map(is_running, workers)):
            assert time.monotonic() < deadline_s, "orphans go on"
            time.sleep(0.05)
