"""Runs all checks on a dataset and reports what they found, the same bytes for the same dataset."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from fedarm.data.checks.finding import CHECKS, Check, Evidence, Severity, Subject
from fedarm.data.dataset import open_dataset
from fedarm.errors import DataError

SCHEMA_VERSION = 1

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
    """

    name: str
    severity: Severity
    measures: str
    remedy: str
    total: int
    places: tuple[Evidence, ...]


@dataclass(frozen=True)
class CheckReport:
    """The outcome of all checks on one dataset."""

    dataset: str
    outcomes: tuple[CheckOutcome, ...]

    @property
    def passed(self) -> bool:
        """Whether no check of severity `error` found anything."""
        return self._count("error") == 0

    def to_json(self) -> dict[str, Any]:
        """Return the content of `checks.json`."""
        return {
            "schema_version": SCHEMA_VERSION,
            "dataset": self.dataset,
            "passed": self.passed,
            "counts": {"error": self._count("error"), "warning": self._count("warning")},
            "checks": [
                {
                    "check": outcome.name,
                    "severity": outcome.severity,
                    "measures": outcome.measures,
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
    """Run every registered check on a dataset; a dataset that cannot even be opened is a finding.

    Args:
        root: The dataset's folder.
        name: What the report calls the dataset; by default the folder's name.
    """
    dataset_name = name or root.name
    try:
        subject = Subject(open_dataset(root))
    except DataError as error:
        return CheckReport(dataset_name, (_unreadable(root, error),))
    return CheckReport(
        dataset_name,
        tuple(_run(check_id, CHECKS[check_id], subject) for check_id in sorted(CHECKS)),
    )


def _run(check_id: str, check: Check, subject: Subject) -> CheckOutcome:
    found = iter(check.find(subject))
    places = tuple(islice(found, MAX_PLACES))
    return CheckOutcome(
        name=check_id,
        severity=check.severity,
        measures=check.measures,
        remedy=check.remedy,
        total=len(places) + sum(1 for _ in found),
        places=places,
    )


def _unreadable(root: Path, error: DataError) -> CheckOutcome:
    # Without the folder's own path, so that two machines report the same.
    message = str(error).replace(f"{root}/", "").replace(str(root), ".")
    return CheckOutcome(
        name="readable",
        severity="error",
        measures="whether the metadata and the tables can be read at all",
        remedy="see the message",
        total=1,
        places=(Evidence(message),),
    )


def _sentence(place: Evidence) -> str:
    named = (("episode", place.episode), ("frame", place.frame), ("column", place.column))
    where = ", ".join(f"{name} {value}" for name, value in named if value is not None)
    return f"{place.message} ({where})" if where else place.message


def _finite(value: float | int | str | None) -> float | int | str | None:
    """Return a value that strict JSON can hold: NaN and infinities become words."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
