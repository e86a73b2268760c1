"""What has been noted of a run so far, read from its folder while another process writes there."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from typing import Any

# What `fedarm.training.store` writes; importing it would import torch.
ROUNDS = "checkpoints/metrics.jsonl"
STORE = "checkpoints/store.json"


@dataclass(frozen=True)
class History:
    """The rounds of one run, as far as they are noted.

    Attributes:
        run: The run's folder in the experiment's, `<name>/seed<k>`.
        fingerprint: What the rounds belong to; under another one, training has begun anew.
        rounds: By round, its numbers; round 0 is the start.
    """

    run: str
    fingerprint: str
    rounds: Mapping[int, Mapping[str, float]]


def find_runs(root: Path) -> list[str]:
    """Return the runs of an experiment's folder of which something is noted."""
    return sorted(
        file.parents[1].relative_to(root).as_posix() for file in root.glob(f"*/seed*/{ROUNDS}")
    )


def read_history(root: Path, run: str) -> History | None:
    """Return what is noted of a run, or None while its store is being wiped or made.

    Args:
        root: The experiment's folder.
        run: The run's folder in it.
    """
    try:
        fingerprint = json.loads((root / run / STORE).read_text(encoding="utf-8"))["fingerprint"]
        text = (root / run / ROUNDS).read_text(encoding="utf-8")
    except (OSError, ValueError, KeyError):
        return None
    rounds = {line["round"]: numbers_of(line) for line in _whole_lines(text)}
    return History(run=run, fingerprint=fingerprint, rounds=rounds)


def numbers_of(line: Mapping[str, Any]) -> dict[str, float]:
    """Return the numbers of a metrics line by the path to them, for example `held_out_loss/sorting`.

    Lists are counted: that of excluded clients is the only one.
    """
    found: dict[str, float] = {}
    for key, value in line.items():
        if isinstance(value, Mapping):
            found |= {f"{key}/{inner}": number for inner, number in numbers_of(value).items()}
        elif isinstance(value, list):
            found[key] = float(len(value))
        elif isinstance(value, Real) and not isinstance(value, bool) and key != "round":
            found[key] = float(value)
    return found


def _whole_lines(text: str) -> Iterator[dict[str, Any]]:
    """Yield the lines that are whole; one that is being written is read the next time."""
    for line in text.splitlines():
        try:
            value = json.loads(line)
        except json.JSONDecodeError:
            continue
        if isinstance(value, dict) and "round" in value:
            yield value
