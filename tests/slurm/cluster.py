"""A SLURM cluster of one node in a folder: Debian's daemons, with ports, keys and state of their own.

Nothing is written outside of the folder, so a cluster that this machine may be part of is not disturbed,
and no configuration stays behind whose controller is gone.
"""

import getpass
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from fedarm.federated.superlink import free_port

DAEMONS = ("munged", "slurmctld", "slurmd")
START_TIMEOUT_S = 60
_SYSTEM_BINARIES = "/usr/sbin"
# Without cgroups and accounting, which need an administrator. A job above its memory is ended by the
# accounting of its processes, which looks every second.
_CONFIGURATION = """\
ClusterName=fedarm
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
ReturnToService=2
SlurmUser={user}
SlurmdUser={user}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=1,sched_min_interval=0
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
GresTypes=gpu
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 RealMemory={memory_mb} Gres=gpu:1 State=UNKNOWN
PartitionName=cpu Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""
# Steps of a job forget SLURM_CONF: the executor removes all variables that SLURM may have set.
_SRUN = """\
#!/bin/sh
SLURM_CONF={folder}/slurm.conf exec {srun} "$@"
"""


@dataclass(frozen=True)
class Cluster:
    """A running cluster.

    Attributes:
        folder: Its configuration, logs and state.
        environment: The variables under which SLURM's commands and Snakemake find it.
    """

    folder: Path
    environment: dict[str, str]

    def ask(self, *command: str) -> str:
        """Run one of SLURM's commands and return what it prints."""
        return subprocess.run(
            command, env=self.environment, check=True, text=True, stdout=subprocess.PIPE
        ).stdout

    def jobs(self, *, comment: str, state: str = "R,PD") -> list[str]:
        """Return the ids of the jobs whose comment holds some words: the rule, its wildcards."""
        listed = self.ask("squeue", "--noheader", f"--states={state}", "--format=%i %k")
        return [line.split()[0] for line in listed.splitlines() if comment in line]


def missing() -> list[str]:
    """Return the daemons that are not installed."""
    path = os.pathsep.join((os.environ["PATH"], _SYSTEM_BINARIES))
    return [name for name in DAEMONS if shutil.which(name, path=path) is None]


@contextmanager
def running_cluster(folder: Path) -> Iterator[Cluster]:
    """Start a cluster in an empty folder, and end it with the block."""
    environment = _write_files(folder)
    key, socket_file = folder / "munge.key", folder / "munge.socket"
    commands = [
        # Others than its user may not enter the folder, which munge would insist on.
        ["munged", "--foreground", "--force", f"--key-file={key}", f"--socket={socket_file}"]
        + [f"--{name}-file={folder}/munged.{name}" for name in ("pid", "seed", "log")],
        ["slurmctld", "-D", "-i"],
        ["slurmd", "-D"],
    ]
    with ExitStack() as stack:
        for command in commands:
            stack.enter_context(_running(command, environment, folder))
            if command[0] == "munged":
                _wait_for(socket_file.exists, "munged", folder)
        cluster = Cluster(folder, environment)
        _wait_for(lambda: "idle" in _state(cluster), "slurmd", folder)
        yield cluster
        cluster.ask("scancel", f"--user={getpass.getuser()}")


def _write_files(folder: Path) -> dict[str, str]:
    host = socket.gethostname().partition(".")[0]
    memory_mb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    for name in ("state", "spool", "bin"):
        (folder / name).mkdir()
    (folder / "slurm.conf").write_text(
        _CONFIGURATION.format(
            folder=folder,
            host=host,
            user=getpass.getuser(),
            memory_mb=memory_mb,
            controller_port=free_port(),
            node_port=free_port(),
        )
    )
    # A GPU to be assigned; nothing can be computed on it.
    (folder / "gres.conf").write_text(f"NodeName={host} Name=gpu File=/dev/null\n")
    key = folder / "munge.key"
    key.write_bytes(os.urandom(128))
    key.chmod(0o400)
    wrapper = folder / "bin" / "srun"
    wrapper.write_text(_SRUN.format(folder=folder, srun=shutil.which("srun")))
    wrapper.chmod(0o755)
    places = (str(folder / "bin"), str(Path(sys.executable).parent), os.environ["PATH"])
    return {
        **os.environ,
        "SLURM_CONF": str(folder / "slurm.conf"),
        "PATH": os.pathsep.join((*places, _SYSTEM_BINARIES)),
    }


@contextmanager
def _running(command: list[str], environment: dict[str, str], folder: Path) -> Iterator[None]:
    with (folder / f"{command[0]}.out").open("w") as log:
        process = subprocess.Popen(
            command, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def _state(cluster: Cluster) -> str:
    answer = subprocess.run(
        ["sinfo", "--noheader", "--format=%t"],
        env=cluster.environment,
        text=True,
        capture_output=True,
    )
    return answer.stdout


def _wait_for(done, daemon: str, folder: Path) -> None:
    deadline_s = time.monotonic() + START_TIMEOUT_S
    while not done():
        said = "\n".join(log.read_text() for log in sorted(folder.glob("*.out")))
        assert time.monotonic() < deadline_s, f"{daemon} did not start:\n{said}"
        time.sleep(0.1)
