"""Whether a SLURM cluster can run what the workflow asks of it, said before a job is submitted.

SLURM refuses one job after the other, in words that name no remedy, and Snakemake submits each again as
often as its profile says.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fedarm.errors import MachineError, suggest

_PLUGIN = "snakemake_executor_plugin_slurm"
_COMMANDS = ("sinfo", "sbatch", "squeue", "scancel", "scontrol")
# Name, name with an asterisk if it is the default, generic resources of a kind of node.
_FORMAT = "%R|%P|%G"
_GPUS = re.compile(r"(?:^|,)gpu(?::[^:,(]+)?:(\d+)")
_MIN_JOB_AGE = re.compile(r"^MinJobAge\s*=\s*(\d+)", re.MULTILINE)
_TIMEOUT_S = 60
# The executor's longest wait between two looks at its jobs.
_LOOKS_EVERY_S = 180


@dataclass(frozen=True)
class Partition:
    """A partition of a cluster.

    Attributes:
        name: Its name.
        is_default: Whether jobs that name none come here.
        gpus: GPUs of its best node.
    """

    name: str
    is_default: bool
    gpus: int


@dataclass(frozen=True)
class Request:
    """What a rule's job asks for.

    Attributes:
        rule: The rule.
        partitions: Where it may run; none for the default partition.
        gpus: How many GPUs it needs, on one node.
    """

    rule: str
    partitions: tuple[str, ...]
    gpus: int


def check_requests(requests: Iterable[Request]) -> None:
    """Refuse what the cluster cannot run.

    Raises:
        MachineError: This is no cluster, its controller does not answer, it forgets ended jobs before
            they are looked at, or there is no such partition, or none with so many GPUs.
    """
    partitions = read_partitions()
    require_memory()
    for request in requests:
        _check_request(request, partitions)


def read_partitions() -> tuple[Partition, ...]:
    """Return the cluster's partitions, hidden ones included.

    Raises:
        MachineError: This is no cluster, or its controller does not answer.
    """
    require_commands()
    return parse_partitions(_ask("sinfo", "--all", "--noheader", f"--format={_FORMAT}"))


def require_commands() -> None:
    """Refuse a machine without SLURM's commands.

    Raises:
        MachineError: One of them is not there.
    """
    missing = [name for name in _COMMANDS if shutil.which(name) is None]
    if missing:
        raise MachineError(
            "this machine is not part of a SLURM cluster: it lacks SLURM's commands",
            key="PATH",
            value=", ".join(missing),
            remedy="run on a login node (`module load slurm` on some), or on this machine alone:"
            " snakemake --cores 8, without --profile profiles/slurm",
        )


def require_memory() -> None:
    """Refuse a cluster that forgets ended jobs at once and keeps no accounts: who waits, waits for ever.

    Raises:
        MachineError: It is such a cluster.
    """
    found = _MIN_JOB_AGE.search(_ask("scontrol", "show", "config"))
    if found is None or int(found[1]) >= _LOOKS_EVERY_S:
        return
    try:
        _ask("sacct", "--noheader")
    except MachineError:
        raise MachineError(
            "this cluster forgets ended jobs before Snakemake looks at them, and keeps no accounts",
            key="MinJobAge",
            value=int(found[1]),
            remedy=f"ask its administrators for accounting, or for MinJobAge={_LOOKS_EVERY_S} or more",
        ) from None


def require_plugin() -> None:
    """Refuse an environment without Snakemake's SLURM executor.

    Raises:
        MachineError: It is not installed.
    """
    if importlib.util.find_spec(_PLUGIN) is None:
        raise MachineError(
            "Snakemake's SLURM executor is not installed: it would say `invalid choice: 'slurm'`",
            key="executor",
            value="slurm",
            remedy="make install-slurm, which installs the locked version",
        )


def parse_partitions(listing: str) -> tuple[Partition, ...]:
    """Return the partitions in the output of `sinfo`, of which each kind of node has a line."""
    found: dict[str, Partition] = {}
    for line in listing.splitlines():
        name, marked, resources = line.strip().split("|", 2)
        known = found.get(name, Partition(name, is_default=False, gpus=0))
        gpus = sum(int(count) for count in _GPUS.findall(resources))
        found[name] = Partition(name, marked.endswith("*"), max(known.gpus, gpus))
    return tuple(found.values())


def _ask(*command: str) -> str:
    """Return what one of SLURM's commands prints.

    Raises:
        MachineError: It is not there, fails, or does not end.
    """
    try:
        answer = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=_TIMEOUT_S
        )
    except subprocess.TimeoutExpired:
        said = f"no answer in {_TIMEOUT_S} s"
    except OSError as error:
        said = str(error.strerror)
    else:
        if answer.returncode == 0:
            return answer.stdout
        said = answer.stderr.strip()
    raise MachineError(
        f"SLURM does not answer: {said}",
        key=command[0],
        remedy="run on a login node of the cluster; `scontrol ping` says whether its controller is up",
    )


def _check_request(request: Request, partitions: Sequence[Partition]) -> None:
    known = {partition.name: partition for partition in partitions}
    default = tuple(partition.name for partition in partitions if partition.is_default)
    for name in request.partitions:
        if name not in known:
            raise MachineError(
                f"there is no such partition for the jobs of {request.rule}",
                key="slurm_partition",
                value=name,
                remedy=f"change it where the profile or --default-resources names it; "
                f"{suggest(name, known)}",
            )
    if not request.partitions and not default:
        raise MachineError(
            f"the jobs of {request.rule} name no partition, and this cluster has no default",
            key="slurm_partition",
            remedy=f"--default-resources slurm_partition=NAME; known: {', '.join(sorted(known))}",
        )
    there = max(known[name].gpus for name in request.partitions or default)
    if request.gpus > there:
        raise _too_few_gpus(request, partitions, there)


def _too_few_gpus(request: Request, partitions: Sequence[Partition], there: int) -> MachineError:
    having = sorted(each.name for each in partitions if each.gpus >= request.gpus)
    elsewhere = (
        f"name a partition that has: --set-resources {request.rule}:slurm_partition={having[0]}"
        f" (with so many: {', '.join(having)})"
        if having
        else "no partition of this cluster has so many on a node"
    )
    return MachineError(
        f"the jobs of {request.rule} ask for GPUs that no node of their partition has:"
        f" {request.gpus}, and there are at most {there}",
        key="gpu",
        value=request.gpus,
        remedy=f"{elsewhere}; --set-resources {request.rule}:gpu=0 computes on the CPU",
    )
