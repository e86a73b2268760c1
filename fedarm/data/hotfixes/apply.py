"""Applies hotfixes to a private copy of a dataset and accounts for what each of them changed."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fedarm.config_hotfixes import Fix
from fedarm.data.hotfixes.hotfix import HOTFIXES, Touched
from fedarm.errors import DataError
from fedarm.paths import atomic_dir
from fedarm.provenance import digest_folder, digest_value

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Applied:
    """One hotfix that ran.

    Attributes:
        name: The hotfix's id.
        settings: Its section of the configuration.
        touched: What it changed.
        before: Digest of the dataset's content before it.
        after: Digest of the content after it; the same when there was nothing to mend.
    """

    name: str
    settings: Mapping[str, Any]
    touched: Touched
    before: str
    after: str


@dataclass(frozen=True)
class HotfixReport:
    """What all hotfixes of a dataset did."""

    applied: tuple[Applied, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the content of `hotfixes.json`."""
        return {
            "schema_version": SCHEMA_VERSION,
            "hotfixes": [
                {
                    "hotfix": each.name,
                    "settings": dict(each.settings),
                    "lossless": HOTFIXES[each.name].lossless,
                    "rows": each.touched.rows,
                    "frames": each.touched.frames,
                    "episodes": list(each.touched.episodes),
                    "why": each.touched.why,
                    "before": each.before,
                    "after": each.after,
                }
                for each in self.applied
            ],
        }


def apply_hotfixes(source: Path, target: Path, fixes: Iterable[Fix]) -> HotfixReport:
    """Copy a dataset, apply hotfixes to the copy, and put it at `target` when all of them worked.

    They run in the order that the registry gives them, whatever the order of `fixes`.

    Args:
        source: The dataset's folder; it is only read.
        target: The folder to write; replaced as a whole. Nothing is written when a hotfix fails.
        fixes: Sections of the configuration.

    Raises:
        DataError: The source is no dataset, contains the target, or a hotfix cannot do its work.
        ResultsError: The target cannot be written.
    """
    _require_apart(source, target)
    with atomic_dir(target) as copy:
        shutil.copytree(source, copy, dirs_exist_ok=True)
        _make_writable(copy)
        try:
            return apply_in_place(copy, fixes)
        except DataError as error:
            # The copy's name is temporary; the user knows the dataset by its own.
            raise _renamed_error(error, copy, source) from None


def apply_in_place(root: Path, fixes: Iterable[Fix]) -> HotfixReport:
    """Apply hotfixes to a private copy of a dataset.

    Raises:
        DataError: A hotfix cannot do its work; the copy is then half mended.
    """
    applied = []
    before = _content(root)
    for fix in in_order(fixes):
        name = str(fix.fix)  # type: ignore[attr-defined]
        touched = HOTFIXES[name].apply(root, fix)
        after = _content(root)
        settings = fix.model_dump(mode="json", by_alias=True)
        applied.append(Applied(name, settings, touched, before, after))
        before = after
    return HotfixReport(tuple(applied))


def in_order(fixes: Iterable[Fix]) -> Sequence[Fix]:
    """Return hotfixes in the order in which they run."""
    return sorted(fixes, key=lambda fix: HOTFIXES[str(fix.fix)].order)  # type: ignore[attr-defined]


def _content(root: Path) -> str:
    return digest_value(digest_folder(root))


def _require_apart(source: Path, target: Path) -> None:
    if not source.is_dir():
        raise DataError(
            "there is no dataset here", file=source, remedy="give the folder that holds `meta/`"
        )
    inner, outer = source.resolve(), target.resolve()
    if inner.is_relative_to(outer) or outer.is_relative_to(inner):
        raise DataError(
            "a repaired dataset cannot be written into or over its source",
            file=target,
            value=str(source),
            remedy="give another folder",
        )


def _make_writable(copy: Path) -> None:
    """Undo read-only modes that were copied with the files; caches keep theirs read-only."""
    for path in (copy, *copy.rglob("*")):
        path.chmod(path.stat().st_mode | (0o700 if path.is_dir() else 0o600))


def _renamed_error(error: DataError, copy: Path, source: Path) -> DataError:
    return DataError(str(error).replace(str(copy), str(source)))
