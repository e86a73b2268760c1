"""The table of docs/data_checks.md, between two markers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from .defect import DEFECTS, STRENGTHS
from .rivals import RIVALS, Verdicts
from .trial import Outcome

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
    yield f"| Defect | Planted | Found by | fedarm | Repaired | {''.join(f'{t} | ' for t in titles)}".rstrip()
    yield "|---|---|---|---|---|" + "---|" * len(ran)
    for name, defect in DEFECTS.items():
        own = [outcome for outcome in outcomes if outcome.case.defect == name]
        if not own:
            continue
        cells = [f"`{name}`", defect.title, _ids(own), _by_strength(own, "located")]
        cells.append(_by_strength(own, "repaired") if own[0].repairable else "–")
        for rival in ran:
            cells.append(_rival_cell(own, rivals, rival))
        yield f"| {' | '.join(cells)} |"
    yield ""
    located = sum(outcome.located for outcome in outcomes)
    yield f"fedarm: {located} of {len(outcomes)} found in their place, {len(alarms)} findings on {clean} clean datasets."
    for rival in ran:
        share = rivals.detected_share(rival) if rivals else 0
        alarm = rivals.false_alarms(rival) if rivals else 0
        yield f"{rival}: {round(share * len(outcomes))} of {len(outcomes)} noticed, {alarm} findings on the clean datasets."


def _ids(outcomes: Sequence[Outcome]) -> str:
    """Return the expected checks that did find it, in the order in which they are expected."""
    found = {name for outcome in outcomes for name in outcome.found_ids}
    expected = dict.fromkeys(name for outcome in outcomes for name in outcome.expected)
    return ", ".join(f"`{name}`" for name in expected if name in found) or "–"


def _by_strength(outcomes: Sequence[Outcome], what: str) -> str:
    """Return `yes`, `no`, or at which strengths."""
    return _summary(
        {o.case.strength: [] for o in outcomes}
        | {
            strength: [bool(getattr(o, what)) for o in outcomes if o.case.strength == strength]
            for strength in STRENGTHS
        }
    )


def _rival_cell(outcomes: Sequence[Outcome], rivals: Verdicts | None, rival: str) -> str:
    if rivals is None:
        return ""
    found = rivals.found[rival]
    return _summary(
        {
            strength: [bool(found[o.case]) for o in outcomes if o.case.strength == strength]
            for strength in STRENGTHS
        }
    )


def _summary(hits: dict[str, list[bool]]) -> str:
    whole = [strength for strength, values in hits.items() if values and all(values)]
    tried = [strength for strength, values in hits.items() if values]
    if whole == tried:
        return "yes"
    return ", ".join(whole) if whole else "no"
