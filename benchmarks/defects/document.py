"""The table of docs/data_checks.md, between two markers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from .defect import DEFECTS, STRENGTHS, Strength
from .rivals import RIVALS, Found, Verdicts
from .trial import Case, Outcome

BEGIN = "<!-- written by benchmarks/data_checks.py: begin -->"
END = "<!-- written by benchmarks/data_checks.py: end -->"


def write_document(
    file: Path,
    outcomes: Sequence[Outcome],
    alarms: Sequence[str],
    clean: int,
    rivals: Verdicts | None,
) -> None:
    """Replace what stands between the markers."""
    head, _, rest = file.read_text(encoding="utf-8").partition(BEGIN)
    _, _, tail = rest.partition(END)
    body = "\n".join(_lines(outcomes, alarms, clean, rivals))
    file.write_text(f"{head}{BEGIN}\n\n{body}\n\n{END}{tail}", encoding="utf-8")


def _lines(
    outcomes: Sequence[Outcome], alarms: Sequence[str], clean: int, rivals: Verdicts | None
) -> Iterable[str]:
    ran = [rival for rival in RIVALS if rivals and rival not in rivals.unavailable]
    titles = [f"{rival} {RIVALS[rival]}" for rival in ran]
    yield _row(["Defect", "Planted", "Found by", "fedarm", "Repaired", *titles])
    yield _row(["---"] * (5 + len(titles)))
    for name, defect in sorted(DEFECTS.items()):
        own = [outcome for outcome in outcomes if outcome.case.defect == name]
        if not own:
            continue
        cells = [f"`{name}`", defect.title, _ids(own), _by_strength(own, "located")]
        cells.append(_by_strength(own, "repaired") if own[0].repairable else "–")
        if rivals is not None:
            cells += [_rival_cell(own, rivals.found[rival]) for rival in ran]
        yield _row(cells)
    yield ""
    yield _verdict("fedarm", "in their place", [o.located for o in outcomes], len(alarms), clean)
    for rival in ran:
        assert rivals is not None
        hits = [bool(found) for found in rivals.found[rival].values()]
        yield _verdict(rival, "in any way", hits, rivals.false_alarms(rival), clean)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _verdict(checker: str, how: str, hits: Sequence[bool], alarms: int, clean: int) -> str:
    found = f"{sum(hits)} of {len(hits)} defects found {how}"
    return f"- {checker}: {found}, {alarms} findings on {clean} clean datasets."


def _ids(outcomes: Sequence[Outcome]) -> str:
    """Return the expected checks that did find it, in the order in which they are expected."""
    found = {name for outcome in outcomes for name in outcome.found_ids}
    expected = dict.fromkeys(name for outcome in outcomes for name in outcome.expected)
    return ", ".join(f"`{name}`" for name in expected if name in found) or "–"


def _by_strength(outcomes: Sequence[Outcome], what: str) -> str:
    return _summary([(outcome.case.strength, bool(getattr(outcome, what))) for outcome in outcomes])


def _rival_cell(outcomes: Sequence[Outcome], found: Mapping[Case, Found]) -> str:
    return _summary([(outcome.case.strength, bool(found[outcome.case])) for outcome in outcomes])


def _summary(hits: Sequence[tuple[Strength, bool]]) -> str:
    """Return `yes`, `no`, or the strengths of which all cases were hits."""
    tried = [strength for strength in STRENGTHS if any(strength == own for own, _ in hits)]
    whole = [s for s in tried if all(hit for strength, hit in hits if strength == s)]
    return "yes" if whole == tried else ", ".join(whole) or "no"
