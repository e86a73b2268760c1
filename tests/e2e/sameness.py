"""Two runs of one experiment are the same, but for what says when, how long, or on which machine."""

import json
from pathlib import Path
from typing import Any

CRATE = "ro-crate-metadata.json"
DATED = {"metrics.jsonl", "report.html", CRATE}
TIMED = {"metrics.json", "federated_metrics.json"}


def without_timings(value: Any) -> Any:
    """Return metrics without how long they took."""
    if isinstance(value, dict):
        return {key: without_timings(entry) for key, entry in value.items() if key != "seconds"}
    if isinstance(value, list):
        return [without_timings(entry) for entry in value]
    return value


def same_metrics(file: Path, other: Path) -> bool:
    """Tell whether two files of metrics differ at most in how long things took."""
    first, second = (without_timings(json.loads(path.read_text())) for path in (file, other))
    return bool(first == second)


def same_files(folder: Path, other: Path) -> int:
    """Demand that both folders have the same files, to the byte; return how many were compared."""
    names = _files(folder)
    assert names == _files(other)
    compared = 0
    for name in names:
        # Where one may go on from; only its results have to be the same.
        if _is_dated(folder / name) or "state" in name.name or "tables" in name.parts:
            continue
        if name.name in TIMED:
            assert same_metrics(folder / name, other / name), name
        else:
            assert (folder / name).read_bytes() == (other / name).read_bytes(), name
        compared += 1
    return compared


def _is_dated(file: Path) -> bool:
    # The manifest of an experiment is, which has a crate beside it; that of a dataset is not.
    of_experiment = file.name == "manifest.json" and file.with_name(CRATE).exists()
    return file.name in DATED or of_experiment


def _files(folder: Path) -> list[Path]:
    return sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
