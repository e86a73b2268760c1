"""Runs all checks on a dataset and reports what they found, the same bytes for the same dataset."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from fedarm.data.checks.finding import CHECKS, Check, Evidence, Severity
from fedarm.data.checks.readable import find_unreadable
from fedarm.data.checks.subject import LEVELS, Subject
from fedarm.errors import DataError

# 2: `exit_code`, `skipped`, and `same_as` of each check.
SCHEMA_VERSION = 2

# What a command that checks a dataset exits with.
CLEAN, DEFECTS, UNUSABLE = 0, 1, 2

# `readable` is no registered check: it says why the others could not run.
READABLE_SAME_AS = ("lerobot-doctor metadata", "lerobot-quality-gates metadata")

# Places listed a check; all are counted. A set with 20,000 NaN rows needs no 20,000 lines to say so.
MAX_PLACES = 20


@dataclass(frozen=True)
class CheckOutcome:
    """What one check found.

    Attributes:
        name: The check's id.
        severity: `error` or `warning`.
        measures: What was measured.
        remedy: What to do about it.
        total: Places found.
        places: The first of them.
        same_as: What other checkers call the check.
    """

    name: str
    severity: Severity
    measures: str
    remedy: str
    total: int
    places: tuple[Evidence, ...]
    same_as: tuple[str, ...] = ()


@dataclass(frozen=True)
class CheckReport:
    """The outcome of all checks on one dataset.

    Attributes:
        dataset: What the report calls the dataset.
        outcomes: One a check that ran, by its id.
        skipped: Ids of checks that need what could not be read.
    """

    dataset: str
    outcomes: tuple[CheckOutcome, ...]
    skipped: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether no check of severity `error` found anything."""
        return self._count("error") == 0

    @property
    def exit_code(self) -> int:
        """0 when nothing was found, 1 for defects, 2 when the dataset cannot be read."""
        if self.skipped or any(outcome.name == "readable" for outcome in self.outcomes):
            return UNUSABLE
        return DEFECTS if any(outcome.total for outcome in self.outcomes) else CLEAN

    def to_json(self) -> dict[str, Any]:
        """Return the content of `checks.json`."""
        return {
            "schema_version": SCHEMA_VERSION,
            "dataset": self.dataset,
            "passed": self.passed,
            "exit_code": self.exit_code,
            "skipped": list(self.skipped),
            "counts": {"error": self._count("error"), "warning": self._count("warning")},
            "checks": [
                {
                    "check": outcome.name,
                    "severity": outcome.severity,
                    "measures": outcome.measures,
                    "same_as": list(outcome.same_as),
                    "total": outcome.total,
                    "listed": len(outcome.places),
                }
                for outcome in self.outcomes
            ],
            "findings": [
                {
                    "check": outcome.name,
                    "severity": outcome.severity,
                    "remedy": outcome.remedy,
                    **asdict(place),
                    "value": _finite(place.value),
                }
                for outcome in self.outcomes
                for place in outcome.places
            ],
        }

    def require_passed(self) -> None:
        """Refuse a dataset that an error was found in.

        Raises:
            DataError: A check of severity `error` found something; the message lists the places.
        """
        if self.passed:
            return
        failed = [outcome for outcome in self.outcomes if outcome.severity == "error"]
        lines = [
            f"- {o.name}: {_sentence(o.places[0])} ({o.total} in all)" for o in failed if o.total
        ]
        remedies = dict.fromkeys(outcome.remedy for outcome in failed if outcome.total)
        raise DataError(
            "\n".join(["the dataset did not pass its checks:", *lines]),
            file=self.dataset,
            remedy="; ".join(remedies),
        )

    def _count(self, severity: Severity) -> int:
        return sum(outcome.total for outcome in self.outcomes if outcome.severity == severity)


def run_checks(root: Path, *, name: str | None = None) -> CheckReport:
    """Run every registered check on a dataset, as far as the dataset can be read.

    What cannot be read is a finding of `readable`; checks that need it are skipped and listed.

    Args:
        root: The dataset's folder.
        name: What the report calls the dataset; by default the folder's name.
    """
    subject = Subject.open(root)
    reach = LEVELS.index(subject.level)
    able = [key for key in sorted(CHECKS) if LEVELS.index(CHECKS[key].needs) <= reach]
    outcomes = [_run(key, CHECKS[key], subject) for key in able]
    if subject.problem is not None:
        outcomes.insert(0, _unreadable(subject))
    skipped = tuple(sorted(set(CHECKS) - set(able)))
    return CheckReport(name or root.name, tuple(outcomes), skipped)


def _run(check_id: str, check: Check, subject: Subject) -> CheckOutcome:
    # Values that other checks report (NaN, infinities) need no warning of numpy's here.
    with np.errstate(all="ignore"):
        return _collect(check_id, check, iter(check.find(subject)))


def _collect(check_id: str, check: Check, found: Iterator[Evidence]) -> CheckOutcome:
    places = tuple(islice(found, MAX_PLACES))
    return CheckOutcome(
        name=check_id,
        severity=check.severity,
        measures=check.measures,
        remedy=check.remedy,
        total=len(places) + sum(1 for _ in found),
        places=places,
        same_as=check.same_as,
    )


def _unreadable(subject: Subject) -> CheckOutcome:
    places = tuple(find_unreadable(subject))
    return CheckOutcome(
        name="readable",
        severity="error",
        measures="whether the metadata and the tables can be read at all",
        remedy="see the messages; download or record these files again",
        total=len(places),
        places=places[:MAX_PLACES],
        same_as=READABLE_SAME_AS,
    )


def _sentence(place: Evidence) -> str:
    named = (("episode", place.episode), ("frame", place.frame), ("column", place.column))
    where = ", ".join(f"{name} {value}" for name, value in named if value is not None)
    return f"{place.message} ({where})" if where else place.message


def _finite(value: float | int | str | None) -> float | int | str | None:
    """Return a value that strict JSON can hold: NaN and infinities become words."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
