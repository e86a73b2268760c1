"""The subcommands of `fedarm data`: each takes parsed arguments and returns the exit code."""

from __future__ import annotations

import json
import tempfile
from argparse import Namespace
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fedarm import cli_text
from fedarm.data.checks import run_checks
from fedarm.data.fix_file import read_fixes
from fedarm.data.info import INFO_FILE
from fedarm.data.sketches import PUBLIC_SALT
from fedarm.data.summary import DatasetSummary, read_summary, summarize_dataset
from fedarm.errors import EXIT_USER_ERROR, DataError
from fedarm.paths import DatasetPaths, make_folder, write_json
from fedarm.provenance import VERSION_DIGITS

EXIT_CLEAN = 0
EXIT_DEFECTS = 1

_HOTFIXES_FILE = "hotfixes.json"


def check(args: Namespace) -> int:
    """Check one dataset."""
    root = dataset_folder(args.path)
    report = run_checks(root, name=dataset_name(root)).to_json()
    _print(args, report, cli_text.show_checks)
    return _exit_code(report, args)


def fix(args: Namespace) -> int:
    """Write a repaired copy of a dataset, and check the copy."""
    from fedarm.data.hotfixes import apply_hotfixes, suggest_hotfixes

    root = dataset_folder(args.path)
    _require_new(args.out, root)
    name = dataset_name(root)
    before = run_checks(root, name=name)
    fixes = read_fixes(args.fixes) if args.fixes else suggest_hotfixes(before)
    outcome: dict[str, Any] = {
        "before": before.to_json(),
        "hotfixes": [],
        "after": None,
        "out": None,
    }
    if fixes:
        make_folder(args.out.parent)
        with tempfile.TemporaryDirectory(
            prefix=f".{args.out.name}.", dir=args.out.parent
        ) as folder:
            staged = Path(folder) / "dataset"
            applied = apply_hotfixes(root, staged, fixes).to_json()
            write_json(staged / _HOTFIXES_FILE, applied)
            after = run_checks(staged, name=name).to_json()
            staged.replace(args.out)
        outcome |= {"hotfixes": applied["hotfixes"], "after": after, "out": str(args.out)}
    _print(args, outcome, cli_text.show_fix)
    return _exit_code(outcome["after"] or outcome["before"], args)


def summarize(args: Namespace) -> int:
    """Write a dataset's summary."""
    root = dataset_folder(args.path)
    name = args.name or dataset_name(root)
    summary = summarize_dataset(root, name=name, salt=args.salt or PUBLIC_SALT).to_json()
    write_json(args.out, summary)
    _print(args, summary, lambda found: cli_text.show_summary(found, args.out))
    return EXIT_CLEAN


def gate(args: Namespace) -> int:
    """Compare datasets."""
    from fedarm.data.gate import run_gate

    names = _names([*args.clients, *args.unseen])
    salt = args.salt or PUBLIC_SALT
    clients, unseen = (
        [_summary(path, names[path], salt) for path in paths]
        for paths in (args.clients, args.unseen)
    )
    report = run_gate(clients, unseen=unseen).to_json()
    _print(args, report, cli_text.show_gate)
    return _exit_code(report, args)


def dataset_folder(path: Path) -> Path:
    """Return the folder of a dataset, given it or a version folder that the workflow has made.

    Raises:
        DataError: There is no such folder, or no dataset in it.
    """
    for folder in (path, DatasetPaths(path).dataset):
        if (folder / INFO_FILE).is_file():
            return folder.resolve()
    raise DataError(
        "no dataset here" if path.exists() else "no such folder",
        file=path,
        remedy=f"give a folder that holds {INFO_FILE}, data/ and videos/",
    )


def dataset_name(root: Path) -> str:
    """Return what to call a dataset: its folder, or the name above `<version>/dataset`."""
    parts = [part for part in root.resolve().parts if part != root.anchor]
    while len(parts) > 1 and (parts[-1] == "dataset" or _is_version(parts[-1])):
        parts.pop()
    return parts[-1] if parts else root.name


def _is_version(name: str) -> bool:
    return len(name) == VERSION_DIGITS and set(name) <= set("0123456789abcdef")


def _names(paths: Sequence[Path]) -> dict[Path, str]:
    """Return a name for each dataset, its whole path where two folders have one name."""
    names = {path: path.stem if path.is_file() else dataset_name(path) for path in paths}
    counts = Counter(names[path] for path in paths)
    return {path: name if counts[name] == 1 else str(path) for path, name in names.items()}


def _summary(path: Path, name: str, salt: str) -> DatasetSummary:
    if path.is_file():
        return read_summary(path)
    return summarize_dataset(dataset_folder(path), name=name, salt=salt)


def _require_new(out: Path, root: Path) -> None:
    if out.exists():
        raise DataError(
            "there is something here already, and a repair replaces nothing",
            file=out,
            remedy="give another --out",
        )
    if out.resolve().is_relative_to(root):
        raise DataError(
            "the repaired copy cannot lie inside the dataset that it is made from",
            file=out,
            remedy="give another --out",
        )


def _print(args: Namespace, value: Mapping[str, Any], show: Any) -> None:
    if args.json:
        print(json.dumps(value, indent=2, sort_keys=True, allow_nan=False))
    else:
        show(value)


def _exit_code(report: Mapping[str, Any], args: Namespace) -> int:
    # Only a report of checks knows of datasets that cannot be read.
    if report.get("exit_code") == EXIT_USER_ERROR:
        return EXIT_USER_ERROR
    counted = report["counts"]["error"] if args.allow_warnings else len(report["findings"])
    return EXIT_DEFECTS if counted else EXIT_CLEAN
