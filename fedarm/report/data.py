"""What is known of the datasets: their checks, their repairs, and the gate's findings across them.

Read from `checks.json` and `hotfixes.json` of each dataset and from the experiment's `gate.json`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict

from fedarm.checked_json import read_checked
from fedarm.report.inputs import ComparisonSettings, DataFiles

Severity = Literal["error", "warning"]
_DIGEST_DIGITS = 12
_REMEDY = "run the dataset stage again"


class _Record(BaseModel):
    # Other stages may write more than the report reads.
    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


class Counts(_Record):
    """Findings by severity."""

    error: int
    warning: int


class CheckEntry(_Record):
    """One check that was run, and how often it found something."""

    check: str
    severity: Severity
    measures: str
    total: int


class Finding(_Record):
    """One place where a check found something."""

    check: str
    severity: Severity
    message: str
    remedy: str
    episode: int | None = None
    frame: int | None = None
    column: str | None = None
    value: float | int | str | None = None

    @property
    def place(self) -> str:
        """Where it is, in words."""
        named = (("episode", self.episode), ("frame", self.frame), ("", self.column))
        return ", ".join(f"{name} {value}".strip() for name, value in named if value is not None)


class Checks(_Record):
    """A dataset's `checks.json`."""

    schema_version: Literal[2]
    passed: bool
    counts: Counts
    checks: tuple[CheckEntry, ...]
    findings: tuple[Finding, ...]


class AppliedHotfix(_Record):
    """One repair: what it was told, what it touched and why, and digests of the content around it."""

    hotfix: str
    settings: dict[str, Any] = {}
    rows: int
    frames: int
    episodes: tuple[int, ...] = ()
    why: str
    before: str
    after: str

    @property
    def digests(self) -> tuple[str, str]:
        """The first digits of the content's digests before and after."""
        return self.before[:_DIGEST_DIGITS], self.after[:_DIGEST_DIGITS]


class Hotfixes(_Record):
    """A dataset's `hotfixes.json`."""

    schema_version: Literal[1]
    hotfixes: tuple[AppliedHotfix, ...]


class GateDataset(_Record):
    """A dataset as the gate saw it."""

    dataset: str
    role: Literal["client", "pool", "unseen"]
    robot_type: str
    fps: float
    era: str | None
    cameras: dict[str, tuple[int, int]]
    episodes: int
    frames: int


class GateRule(_Record):
    """A rule of the gate, and how many pairs broke it."""

    rule: str
    severity: Severity
    measures: str
    total: int


class GateHotfix(_Record):
    """The hotfix that would reconcile a pair, and the dataset that it is for."""

    dataset: str
    hotfixes: tuple[dict[str, Any], ...]

    @property
    def section(self) -> str:
        """As it stands in a configuration."""
        section = {self.dataset: {"hotfixes": list(self.hotfixes)}}
        return yaml.safe_dump(section, sort_keys=False, default_flow_style=None, width=200).rstrip()


class GateFinding(_Record):
    """A pair of datasets that do not fit together."""

    rule: str
    severity: Severity
    pair: tuple[str, str]
    key: str
    values: tuple[Any, Any]
    message: str
    remedy: str
    hotfix: GateHotfix | None = None


class Gate(_Record):
    """The experiment's `gate.json`."""

    schema_version: Literal[1]
    passed: bool
    counts: Counts
    datasets: tuple[GateDataset, ...]
    rules: tuple[GateRule, ...]
    findings: tuple[GateFinding, ...]


@dataclass(frozen=True)
class DatasetAccount:
    """One dataset's checks, repairs, and what the gate knows of it."""

    name: str
    role: str
    checks: Checks
    hotfixes: tuple[AppliedHotfix, ...]
    gate: GateDataset | None

    @property
    def quiet_checks(self) -> int:
        """Checks that found nothing."""
        return sum(not entry.total for entry in self.checks.checks)


@dataclass(frozen=True)
class DataAccounts:
    """Everything that the report's section on data shows."""

    datasets: tuple[DatasetAccount, ...]
    gate: Gate | None

    @property
    def checks(self) -> tuple[tuple[CheckEntry, int], ...]:
        """Every check that was run, with the places that it found in all datasets."""
        first = {entry.check: entry for each in self.datasets for entry in each.checks.checks}
        totals = dict.fromkeys(sorted(first), 0)
        for each in self.datasets:
            for entry in each.checks.checks:
                totals[entry.check] += entry.total
        return tuple((first[name], total) for name, total in totals.items())


def read_data(settings: ComparisonSettings) -> DataAccounts:
    """Read what is known of the datasets.

    Raises:
        ResultsError: A file is missing or breaks its schema.
    """
    gate = None if settings.gate is None else read_checked(Gate, settings.gate, remedy=_REMEDY)
    known = {} if gate is None else {each.dataset: each for each in gate.datasets}
    return DataAccounts(tuple(_account(files, known) for files in settings.data), gate)


def _account(files: DataFiles, known: dict[str, GateDataset]) -> DatasetAccount:
    return DatasetAccount(
        name=files.name,
        role=files.role,
        checks=read_checked(Checks, files.paths.checks, remedy=_REMEDY),
        hotfixes=read_checked(Hotfixes, files.paths.hotfixes, remedy=_REMEDY).hotfixes,
        gate=known.get(files.name),
    )
