"""Every arm against every other on the clients' tasks."""

from __future__ import annotations

from dataclasses import dataclass

from fedarm.report.experiment import ExperimentResults
from fedarm.report.outcomes import Exclusion, shared_outcomes
from fedarm.stats.all_pairs import AllPairs, compare_all_pairs


@dataclass(frozen=True)
class ArmPairs:
    """All arms in pairs.

    Attributes:
        compared: The pairs.
        exclusions: Rollouts that were not used.
    """

    compared: AllPairs
    exclusions: tuple[Exclusion, ...]


def compare_arms(results: ExperimentResults) -> ArmPairs | None:
    """Compare all arms in pairs, on the initial conditions that all of them have met.

    The verdict is on the declared candidates and does not rest on this: here multiplicity is paid for by
    Holm's correction over all pairs.

    Returns:
        The pairs; None when nothing was tried or there is one arm only.

    Raises:
        ResultsError: On a task, the arms have no initial condition in common.
    """
    settings = results.settings
    if not settings.judged or len(settings.names) < 2:
        return None
    shared = shared_outcomes(results.final, settings.names, datasets=settings.clients)
    return ArmPairs(compare_all_pairs(shared.success, level=settings.level), shared.exclusions)
