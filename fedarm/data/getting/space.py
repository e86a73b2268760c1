"""Room on the disks, looked at before the first byte is written."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fedarm.errors import MachineError

# What logs, locks and metadata take besides, and what a file system needs to stay usable.
_RESERVE_BYTES = 64 << 20
_MEGABYTE = 1e6


@dataclass(frozen=True)
class Need:
    """Bytes that will be written into a folder.

    Attributes:
        folder: The folder; it need not exist yet.
        needed_bytes: How many.
        purpose: What they are, for the message.
        setting: The setting that moves the folder elsewhere.
    """

    folder: Path
    needed_bytes: int
    purpose: str
    setting: str


def check_space(needs: Sequence[Need]) -> None:
    """Make sure that each disk has room for all that will be written to it.

    Raises:
        MachineError: A disk is too full; the message says by how much.
    """
    by_disk: dict[int, list[Need]] = {}
    for need in needs:
        if need.needed_bytes > 0:
            by_disk.setdefault(_existing(need.folder).stat().st_dev, []).append(need)
    for sharing in by_disk.values():
        wanted = sum(need.needed_bytes for need in sharing) + _RESERVE_BYTES
        free = shutil.disk_usage(_existing(sharing[0].folder)).free
        if wanted > free:
            purposes = ", ".join(
                f"{n.purpose} {n.needed_bytes / _MEGABYTE:.1f} MB" for n in sharing
            )
            raise MachineError(
                f"the disk has too little room: {wanted / _MEGABYTE:.1f} MB are needed ({purposes}), "
                f"{free / _MEGABYTE:.1f} MB are free",
                file=", ".join(str(need.folder) for need in sharing),
                key="bytes free",
                value=free,
                remedy="free some space, or move a folder to another disk: "
                + ", ".join(need.setting for need in sharing),
            )


def _existing(folder: Path) -> Path:
    return next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
