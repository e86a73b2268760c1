"""One defect planted, checked and repaired: was it found in its place, and is the repair sound?"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fedarm.data.checks import run_checks
from fedarm.errors import FedarmError
from fedarm.provenance import derive_seed

from .comparison import difference
from .defect import DEFECTS, STRENGTHS, Planted, Strength


@dataclass(frozen=True)
class Case:
    """A defect at one strength in one clean dataset."""

    defect: str
    strength: Strength
    base: str

    @property
    def name(self) -> str:
        return f"{self.defect}-{self.strength}-{self.base}"


@dataclass(frozen=True)
class Outcome:
    """What became of a case.

    Attributes:
        case: The case.
        expected: Ids of which one should find it.
        found_ids: Ids of all checks that found something.
        found: Whether an expected check found something.
        located: Whether it named the right episode, frame and column.
        repairable: Whether hotfixes are known for it.
        repaired: Whether the repaired dataset passes; False when none are known.
        restored: Whether its tables are the clean ones; None where the defect loses something.
        detail: What went wrong, if anything did.
    """

    case: Case
    expected: tuple[str, ...]
    found_ids: tuple[str, ...]
    found: bool
    located: bool
    repairable: bool
    repaired: bool
    restored: bool | None
    detail: str


def all_cases(bases: Sequence[str], *, every_base: bool) -> list[Case]:
    """Return every defect at every strength.

    Args:
        bases: Names of the clean datasets.
        every_base: Plant each into every dataset. Otherwise datasets take turns, so that each defect is
            planted into as many of them as there are strengths.
    """
    cases = []
    for number, name in enumerate(sorted(DEFECTS)):
        for turn, strength in enumerate(STRENGTHS):
            chosen = bases if every_base else [bases[(number + turn) % len(bases)]]
            cases += [Case(name, strength, base) for base in chosen]
    return cases


def plant(case: Case, clean: Path, folder: Path) -> Planted:
    """Copy a clean dataset to `folder` and plant a case's defect there."""
    shutil.copytree(clean, folder)
    seed = derive_seed(0, "defect", case.defect, case.strength, case.base)
    return DEFECTS[case.defect].plant(folder, case.strength, np.random.default_rng(seed))


def try_case(case: Case, clean: Path, folder: Path) -> Outcome:
    """Plant a case, run fedarm's checks, and repair it where hotfixes are known.

    Args:
        case: The case.
        clean: The clean dataset; not changed.
        folder: An absent folder for the planted and the repaired dataset.
    """
    planted = plant(case, clean, folder / "planted")
    findings = _check(folder / "planted")
    ids = tuple(sorted({finding["check"] for finding in findings}))
    expected = [finding for finding in findings if finding["check"] in planted.checks]
    located = any(_in_place(finding, planted) for finding in expected)
    repaired, restored, detail = False, None, _say(findings, expected, planted, located=located)
    if planted.fixes:
        repaired, restored, trouble = _repair(planted, clean, folder)
        detail = "; ".join(part for part in (detail, trouble) if part)
    return Outcome(
        case=case,
        expected=planted.checks,
        found_ids=ids,
        found=bool(expected),
        located=located,
        repairable=bool(planted.fixes),
        repaired=repaired,
        restored=restored,
        detail=detail,
    )


def _check(folder: Path) -> list[dict[str, Any]]:
    """Return the findings on a dataset; a crash is the finding of no check, and so a miss."""
    try:
        return list(run_checks(folder).to_json()["findings"])
    except Exception as error:
        place = dict.fromkeys(("episode", "frame", "column", "value"))
        crash = {"check": "crashed", "severity": "error", "message": repr(error)}
        return [{**place, **crash}]


def _in_place(finding: dict[str, Any], planted: Planted) -> bool:
    """Say whether a finding names the planted place as far as there is one."""
    if planted.episodes and finding["episode"] not in planted.episodes:
        return False
    if planted.frames is not None:
        first, last = planted.frames
        if finding["frame"] is None or not first <= finding["frame"] <= last:
            return False
    named = f"{finding['column']} {finding['message']}"
    return planted.column is None or planted.column in named


def _say(
    findings: list[dict[str, Any]],
    expected: list[dict[str, Any]],
    planted: Planted,
    *,
    located: bool,
) -> str:
    if located:
        return ""
    place = f"episodes {planted.episodes}, frames {planted.frames}, column {planted.column}"
    if expected:
        keys = ("check", "episode", "frame", "column", "message")
        seen = [{key: finding[key] for key in keys} for finding in expected[:3]]
        return f"not located at {place}: {seen}"
    others = sorted({finding["check"] for finding in findings})
    return f"not found by {' or '.join(planted.checks)} ({place}); others: {', '.join(others) or 'none'}"


def _repair(planted: Planted, clean: Path, folder: Path) -> tuple[bool, bool | None, str]:
    """Return whether the repair passes, whether it restores the tables, and what went wrong."""
    from pydantic import TypeAdapter

    from fedarm.config_hotfixes import AnyFix
    from fedarm.data.hotfixes import apply_hotfixes

    fixes = TypeAdapter(tuple[AnyFix, ...]).validate_python(planted.fixes)
    restored = False if planted.lossless else None
    try:
        apply_hotfixes(folder / "planted", folder / "repaired", fixes)
    except FedarmError as error:
        return False, restored, f"hotfix: {error}"
    except Exception as error:
        # A defect of fedarm, and a miss; the other cases still count.
        return False, restored, f"hotfix crashed: {error!r}"
    left = [
        finding
        for finding in _check(folder / "repaired")
        if finding["severity"] == "error" or finding["check"] in planted.checks
    ]
    trouble = [f"left after repair: {f['check']}: {f['message']}" for f in left[:2]]
    if planted.lossless:
        other = difference(clean, folder / "repaired", tolerance=planted.tolerance)
        restored = other is None
        trouble += [f"not restored: {other}"] if other else []
    return not left, restored, "; ".join(trouble)
