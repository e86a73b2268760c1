"""The record of a video, a JSON of the same name beside it; every key may be missing.

arm, run, seed, round, dataset, task, variant, episode, initial_condition_seed
                        who acted, where, and from what
success, duration_s     how the episode went, and how long it took; the video may go on after it
frames                  how many frames were written
actions                 see `commands`
final_frame_check       see `success`
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LABELS = (
    "arm",
    "run",
    "seed",
    "round",
    "dataset",
    "task",
    "variant",
    "episode",
    "initial_condition_seed",
)


@dataclass(frozen=True)
class Record:
    """What is known of a video besides its frames.

    Attributes:
        values: The JSON's keys and values, as far as they are of the right kind.
        missing: Why there are none; None when there is a record.
        problem: What is wrong with it; None when nothing is.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    missing: str | None = None
    problem: str | None = None

    def number(self, key: str) -> float | None:
        """Return a value that is a number, or None."""
        value = self.values.get(key)
        return float(value) if value is not None and _is_number(value) else None

    @property
    def success(self) -> bool | None:
        """The environment's flag, or that of whoever watched."""
        value = self.values.get("success")
        return value if isinstance(value, bool) else None


def read_record(video: Path) -> Record:
    """Return a video's record, and what is wrong with it."""
    path = video.with_suffix(".json")
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Record(missing=f"it has no record: {path.name} is missing")
    except (OSError, json.JSONDecodeError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        return Record(problem=f"its record {path.name} is not valid JSON: {reason}")
    if not isinstance(values, dict):
        return Record(problem=f"its record {path.name} is not a JSON object")
    return Record(values, problem=_contradiction(path.name, values))


def _contradiction(name: str, values: Mapping[str, Any]) -> str | None:
    for key in ("frames", "duration_s"):
        value = values.get(key)
        if value is not None and not (_is_number(value) and value > 0):
            return f"its record {name} has no positive number for {key}: {value!r}"
    success = values.get("success")
    if success is not None and not isinstance(success, bool):
        return f"its record {name} says neither true nor false for success: {success!r}"
    return None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
