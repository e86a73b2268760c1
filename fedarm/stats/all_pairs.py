"""Every pair of arms compared, under Holm's correction, and the letters that sum it up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from fedarm.errors import ResultsError
from fedarm.stats.comparison import Comparison, Level, compare
from fedarm.stats.letters import compact_letters
from fedarm.stats.paired_tests import holm

ALPHA_TWO_SIDED = 0.05

Successes = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Pair:
    """Two of several arms.

    Attributes:
        first: Name of the arm that `comparison` calls the candidate.
        second: Name of the arm that it calls the reference.
        comparison: Difference, interval and p-value of this pair alone.
        holm_p_two_sided: The p-value of no difference, corrected for all pairs.
    """

    first: str
    second: str
    comparison: Comparison
    holm_p_two_sided: float


@dataclass(frozen=True)
class AllPairs:
    """All arms against each other.

    Attributes:
        success: Mean success by arm, in the order given.
        pairs: Every pair once, earlier arms first.
    """

    success: Mapping[str, float]
    pairs: tuple[Pair, ...]

    def differs(self, *, alpha_two_sided: float = ALPHA_TWO_SIDED) -> npt.NDArray[np.bool_]:
        """Return which arms differ `(arm, arm)`: Holm's p-value is at most the level."""
        names = list(self.success)
        matrix = np.zeros((len(names), len(names)), dtype=np.bool_)
        for pair in self.pairs:
            at = names.index(pair.first), names.index(pair.second)
            matrix[at] = matrix[at[::-1]] = pair.holm_p_two_sided <= alpha_two_sided
        return matrix

    def letters(self, *, alpha_two_sided: float = ALPHA_TWO_SIDED) -> dict[str, str]:
        """Return the compact letter display by arm, the most successful first."""
        names = list(self.success)
        order = sorted(range(len(names)), key=lambda arm: -self.success[names[arm]])
        matrix = self.differs(alpha_two_sided=alpha_two_sided)[np.ix_(order, order)]
        return dict(zip((names[arm] for arm in order), compact_letters(matrix), strict=True))


def compare_all_pairs(arms: Mapping[str, Successes], *, level: Level = "seeds") -> AllPairs:
    """Compare every arm with every other.

    Each pair is compared as `compare` does it, by the crossed t where both have two seeds or more. A
    pair with an arm of one seed speaks of checkpoints only, and its comparison says so.

    Args:
        arms: Success `(seed, task, initial_condition)` by arm; only the number of seeds may differ.
        level: What to speak of, as for `compare`.

    Source: Holm 1979, Scandinavian Journal of Statistics 6, 65-70.

    Raises:
        ResultsError: There are fewer than two arms, or as for `compare`.
    """
    if len(arms) < 2:
        raise ResultsError(
            "a pair takes two arms",
            key="arms",
            value=list(arms),
            remedy="check which rollouts were read",
        )
    names = list(combinations(arms, 2))
    comparisons = [compare(arms[first], arms[second], level=level) for first, second in names]
    adjusted = holm([comparison.difference_p_two_sided for comparison in comparisons])
    return AllPairs(
        success={name: float(np.mean(outcomes)) for name, outcomes in arms.items()},
        pairs=tuple(
            Pair(first, second, comparison, p_value)
            for (first, second), comparison, p_value in zip(
                names, comparisons, adjusted, strict=True
            )
        ),
    )
