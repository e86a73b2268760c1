"""Which files keep a dataset from being read: every one of them is found, not only the first."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fedarm.data.checks.finding import Evidence
from fedarm.data.checks.subject import Subject
from fedarm.data.parquet import read_columns
from fedarm.errors import DataError


def find_unreadable(subject: Subject) -> Iterator[Evidence]:
    """Yield what the reader stumbled over, and every further parquet file that cannot be opened.

    Args:
        subject: A dataset that could not be read whole.
    """
    first = subject.problem
    if first is None:
        return
    root = subject.root
    reported = Evidence(_portable(str(first), root), column=_file_of(first, root))
    yield reported
    for file in _tables(subject):
        name = file.relative_to(root).as_posix()
        if name == reported.column:
            continue
        try:
            read_columns(file, [])
        except DataError as error:
            yield Evidence(_portable(str(error), root), column=name)


def _tables(subject: Subject) -> list[Path]:
    declared = [] if subject.opened is None else [e.data_file for e in subject.opened.episodes]
    present = (subject.root / "meta").rglob("*.parquet")
    return sorted({*(subject.root / file for file in declared), *present})


def _portable(message: str, root: Path) -> str:
    # Without the folder's own path, so that two machines report the same.
    return message.replace(f"{root}/", "").replace(str(root), ".")


def _file_of(error: DataError, root: Path) -> str | None:
    if not isinstance(error.file, Path) or not error.file.is_relative_to(root):
        return None
    return error.file.relative_to(root).as_posix()
