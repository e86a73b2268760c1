"""Which of a machine's GPUs a job computes on, so that jobs side by side do not meet on one.

A job sees as many GPUs as its rule asks for (`resources: gpu`) and no others. On a workstation it takes
those that the fewest of the user's other jobs hold; on SLURM the scheduler has assigned them. What a job
holds are locks on files, which end with the process, however it ends.
"""

from __future__ import annotations

import fcntl
import itertools
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path

from fedarm.errors import MachineError
from fedarm.logging import get_logger

VISIBLE = "CUDA_VISIBLE_DEVICES"
_SLURM_JOB = "SLURM_JOB_ID"
# A line of `nvidia-smi -L`: a GPU, or, indented below it, an instance that it is parted into.
_LISTED = re.compile(r"^(?P<instance>\s*)\S.*\(UUID: (?P<uuid>[\w-]+)\)")

_logger = get_logger(__name__)


def usable_gpus() -> tuple[str, ...]:
    """Return the GPUs that this process may use, by what CUDA calls them.

    They are those of `CUDA_VISIBLE_DEVICES` where it is set, none in a SLURM job that got none, and
    otherwise all of the machine's.
    """
    visible = os.environ.get(VISIBLE)
    if visible is not None:
        names = dict.fromkeys(visible.replace(" ", "").split(","))
        return tuple(name for name in names if name not in ("", "-1"))
    if _SLURM_JOB in os.environ:
        return ()
    return _installed_gpus()


def one_gpu_if_any() -> int:
    """Return how many GPUs a job takes that says nothing of them."""
    return min(1, len(usable_gpus()))


def gpus_for_each(workers: int) -> tuple[str, ...]:
    """Return the value of `CUDA_VISIBLE_DEVICES` for each worker: this process's GPUs in turn."""
    gpus = usable_gpus()
    return tuple(gpus[index % len(gpus)] if gpus else "" for index in range(workers))


@contextmanager
def claimed_gpus(count: int | None) -> Iterator[tuple[str, ...]]:
    """Let this process, and those that it starts, see so many GPUs and no others.

    Jobs of other users, of containers and of programs other than fedarm are not known: Snakemake's
    `--resources gpu=N` keeps the user's own jobs to what there is.

    Args:
        count: How many; 0 to compute on the CPU, None for one if there is any.

    Yields:
        The GPUs, by what CUDA calls them.

    Raises:
        MachineError: There are not so many.
    """
    usable = usable_gpus()
    count = one_gpu_if_any() if count is None else count
    if count > len(usable):
        raise _too_few(count, usable)
    before = os.environ.get(VISIBLE)
    with ExitStack() as held:
        assigned = _SLURM_JOB in os.environ
        gpus = usable[:count] if assigned else _take(usable, count, held)
        os.environ[VISIBLE] = ",".join(gpus)
        if gpus:
            _logger.info("GPUs of this job: %s", ", ".join(gpus))
        try:
            yield gpus
        finally:
            if before is None:
                del os.environ[VISIBLE]
            else:
                os.environ[VISIBLE] = before


def _take(usable: Sequence[str], count: int, held: ExitStack) -> tuple[str, ...]:
    """Lock the GPUs that the fewest others hold.

    The first job on a GPU locks its file 0, the second its file 1, and so on: the lowest file that is
    free belongs to the GPU that the fewest hold.
    """
    gpus: list[str] = []
    if count:
        folder = _lock_folder()
        for place in itertools.count():
            for gpu in usable:
                if gpu not in gpus and len(gpus) < count and _lock(folder / f"{gpu}.{place}", held):
                    gpus.append(gpu)
            if len(gpus) == count:
                break
    return tuple(gpus)


def _lock(file: Path, held: ExitStack) -> bool:
    stream = file.open("w")
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        stream.close()
        return False
    held.enter_context(stream)
    return True


def _lock_folder() -> Path:
    """Return the folder of the locks: on this machine's own disk, one a user."""
    folder = Path(tempfile.gettempdir()) / f"fedarm_gpus_{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise MachineError(
            f"the GPUs' locks cannot be kept: {error.strerror}",
            file=folder,
            remedy="set TMPDIR to a folder that you may write",
        ) from None
    return folder


@cache
def _installed_gpus() -> tuple[str, ...]:
    """Return the GPUs that NVIDIA's driver lists; of one that is parted, its parts."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return ()
    answer = subprocess.run([program, "-L"], capture_output=True, text=True, check=False)
    return parse_listing(answer.stdout) if answer.returncode == 0 else ()


def parse_listing(listing: str) -> tuple[str, ...]:
    """Return the UUIDs in the output of `nvidia-smi -L`: of a GPU that is parted (MIG), its parts'."""
    gpus: list[str] = []
    whole: str | None = None
    for line in listing.splitlines():
        found = _LISTED.match(line)
        if found is None:
            continue
        if not found["instance"]:
            whole = found["uuid"]
        elif whole in gpus:
            gpus.remove(whole)
        gpus.append(found["uuid"])
    return tuple(gpus)


def _too_few(count: int, usable: Sequence[str]) -> MachineError:
    if _SLURM_JOB in os.environ:
        remedy = "ask SLURM for them with the rule's resource: --set-resources RULE:gpu=N"
    else:
        remedy = (
            "ask for fewer (--set-resources RULE:gpu=N, `federation.client_resources.num_gpus`); 0"
            " computes on the CPU. See what there is with nvidia-smi -L"
        )
    return MachineError(
        f"the job asks for {count} GPUs, and there are {len(usable)}",
        key=VISIBLE,
        value=os.environ.get(VISIBLE),
        remedy=remedy,
    )
