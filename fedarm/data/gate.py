"""The gate before training: do these datasets fit together, and does no episode leak?

Works on summaries alone (`summary.py`), so that it runs in a federation in which nobody may look at
another's data. The rules are in `gate_rules.py` and `gate_values.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

# Imported for their rules, which register themselves.
from fedarm.data import gate_rules, gate_values  # noqa: F401
from fedarm.data.gate_finding import GATE_RULES, Disagreement, Member, Role, Severity
from fedarm.data.summary import DatasetSummary
from fedarm.errors import DataError

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class GateFinding:
    """A pair that disagrees, and the rule that says so."""

    rule: str
    severity: Severity
    disagreement: Disagreement

    def to_json(self) -> dict[str, Any]:
        """Return one entry of `findings` in `gate.json`."""
        found = self.disagreement
        proposal = found.proposal
        return {
            "rule": self.rule,
            "severity": self.severity,
            "pair": [found.first, found.second],
            "key": found.key,
            "values": list(found.values),
            "message": found.message,
            "remedy": found.remedy,
            "hotfix": None
            if proposal is None
            else {"dataset": proposal.dataset, "hotfixes": [proposal.hotfix]},
        }


@dataclass(frozen=True)
class GateReport:
    """What the gate has found."""

    members: tuple[Member, ...]
    findings: tuple[GateFinding, ...]

    @property
    def passed(self) -> bool:
        """Whether no rule of severity `error` found anything."""
        return self._count("error") == 0

    def to_json(self) -> dict[str, Any]:
        """Return the content of `gate.json`."""
        return {
            "schema_version": SCHEMA_VERSION,
            "passed": self.passed,
            "counts": {"error": self._count("error"), "warning": self._count("warning")},
            "datasets": [_describe(member) for member in self.members],
            "rules": [
                {
                    "rule": name,
                    "severity": rule.severity,
                    "measures": rule.measures,
                    "total": sum(finding.rule == name for finding in self.findings),
                }
                for name, rule in sorted(GATE_RULES.items())
            ],
            "findings": [finding.to_json() for finding in self.findings],
        }

    def require_passed(self) -> None:
        """Refuse datasets that do not fit together.

        Raises:
            DataError: A rule of severity `error` found something; the message names each pair, what they
                disagree on, and the hotfix.
        """
        if self.passed:
            return
        failed = [finding for finding in self.findings if finding.severity == "error"]
        raise DataError(
            "\n".join(["the datasets do not fit together:", *map(_line, failed)]),
            remedy="; ".join(dict.fromkeys(f.disagreement.remedy for f in failed)),
        )

    def _count(self, severity: Severity) -> int:
        return sum(finding.severity == severity for finding in self.findings)


def run_gate(
    clients: Sequence[DatasetSummary],
    *,
    unseen: Sequence[DatasetSummary] = (),
    pool: Sequence[DatasetSummary] = (),
) -> GateReport:
    """Compare datasets that are to be trained on together, and those that they are evaluated on.

    Args:
        clients: One a client.
        unseen: Never trained on.
        pool: What the starting policy is pretrained on.

    Raises:
        DataError: Two have one name, so that findings could not tell them apart.
    """
    roles: tuple[tuple[Role, Sequence[DatasetSummary]], ...] = (
        ("client", clients),
        ("pool", pool),
        ("unseen", unseen),
    )
    members = tuple(Member(summary, role) for role, group in roles for summary in group)
    _require_names(members)
    return GateReport(
        members,
        tuple(
            GateFinding(name, "warning" if found.doubtful else rule.severity, found)
            for name, rule in sorted(GATE_RULES.items())
            for found in rule.find(members)
        ),
    )


def _require_names(members: Sequence[Member]) -> None:
    names = [member.name for member in members]
    for name in names:
        if names.count(name) > 1:
            raise DataError(
                "two datasets at the gate have one name",
                key="name",
                value=name,
                remedy="summarize one of them under another name",
            )


def _describe(member: Member) -> dict[str, Any]:
    summary = member.summary
    return {
        "dataset": member.name,
        "role": member.role,
        "codebase_version": summary.codebase_version,
        "robot_type": summary.robot_type,
        "fps": summary.fps,
        "joints": list(next(iter(summary.joints.values()), ())),
        "era": summary.calibration.era,
        "cameras": {key: [camera.height, camera.width] for key, camera in summary.cameras.items()},
        "tasks": list(summary.tasks),
        "episodes": len(summary.episodes),
        "frames": summary.frames,
    }


def _line(finding: GateFinding) -> str:
    found = finding.disagreement
    fix = (
        ""
        if found.proposal is None
        else f"; hotfix for {found.proposal.dataset}: {found.proposal.hotfix}"
    )
    return (
        f"- {finding.rule}: {found.first} and {found.second}, {found.key}: {found.values[0]} against"
        f" {found.values[1]} ({found.message}){fix}"
    )
