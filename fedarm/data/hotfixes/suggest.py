"""Which hotfixes would mend what the checks found, as far as they need to be told nothing."""

from __future__ import annotations

from fedarm.config_hotfixes import (
    DeclaredRows,
    DropEpisodes,
    Fix,
    MendPointers,
    MendTotals,
    RecomputeStatistics,
    RenameJoints,
    RestampTimestamps,
)
from fedarm.data.checks import CheckReport
from fedarm.data.hotfixes.apply import in_order
from fedarm.data.hotfixes.hotfix import HOTFIXES

# Those that need no knowledge from the user. An era, a rate, a camera's key and an instruction do.
_SELF_SUFFICIENT = (
    MendPointers(),
    DeclaredRows(),
    MendTotals(),
    RestampTimestamps(),
    RenameJoints(),
    DropEpisodes(),
    RecomputeStatistics(),
)

# A dataset that cannot be opened names no check; pointers are what can be wrong with whole files.
_UNREADABLE = "readable"


def suggest_hotfixes(report: CheckReport) -> tuple[Fix, ...]:
    """Return hotfixes for what a report found, in the order in which they run."""
    found = {outcome.name for outcome in report.outcomes if outcome.total}
    chosen = [fix for fix in _SELF_SUFFICIENT if not found.isdisjoint(HOTFIXES[fix.fix].repairs)]
    if _UNREADABLE in found and MendPointers() not in chosen:
        chosen.append(MendPointers())
    return tuple(in_order(chosen))
