"""Hypotheses tested in a fixed order, each at the full level, until the first that fails.

The order is declared before the data. A later hypothesis is looked at only after all before it were
shown, so the chance of any false claim is that of a single test: nothing is paid for asking several
questions. Non-inferiority within 20 %, within 10 %, then superiority is such an order.

Source: Maurer, Hothorn and Lehmacher 1995, in: Vollmar (ed.), Biometrie in der chemisch-pharmazeutischen
Industrie 6, 3-18; for non-inferiority before superiority, Morikawa and Yoshida 1995, Journal of
Biopharmaceutical Statistics 5, 297-306.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fedarm.errors import ResultsError
from fedarm.stats.comparison import Comparison, Level, compare
from fedarm.stats.counts import count_pairs
from fedarm.stats.crossed import crossed_t_test
from fedarm.stats.ratio import tang_nam_p_greater_one_sided

ALPHA_ONE_SIDED = 0.025
RETENTIONS = (0.8, 0.9, 1.0)

Successes = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Step:
    """A hypothesis of a sequence.

    Attributes:
        hypothesis: What would be shown, for example "R > 0.8".
        p_one_sided: Its own p-value.
        adjusted_p_one_sided: The largest p-value up to here: shown when it is below the level.
        tested: Whether all before it were shown; if not, its p-value is for information only.
        shown: Whether it is shown.
    """

    hypothesis: str
    p_one_sided: float
    adjusted_p_one_sided: float
    tested: bool
    shown: bool


def fixed_sequence(
    p_one_sided: Mapping[str, float], *, alpha_one_sided: float = ALPHA_ONE_SIDED
) -> tuple[Step, ...]:
    """Return every step of a sequence, also those after the first that fails.

    Args:
        p_one_sided: p-values by hypothesis, in the declared order.
        alpha_one_sided: Level of each test and of all together; a p-value must be below it, as a margin
            must lie outside the interval.

    Raises:
        ResultsError: A p-value or the level is not within 0 to 1.
    """
    for name, value in (*p_one_sided.items(), ("alpha_one_sided", alpha_one_sided)):
        if not 0 <= value <= 1:
            raise ResultsError(
                "p-values and their level lie within 0 and 1",
                key=name,
                value=value,
                remedy="leave out hypotheses without a p-value",
            )
    steps: list[Step] = []
    largest, open_so_far = 0.0, True
    for hypothesis, p_value in p_one_sided.items():
        largest = max(largest, p_value)
        shown = open_so_far and p_value < alpha_one_sided
        steps.append(Step(hypothesis, p_value, largest, open_so_far, shown))
        open_so_far = shown
    return tuple(steps)


def retention_sequence(
    candidate: Successes,
    reference: Successes,
    *,
    ratios: Sequence[float] = RETENTIONS,
    level: Level = "seeds",
    alpha_one_sided: float = ALPHA_ONE_SIDED,
) -> tuple[Step, ...]:
    """Test that the candidate keeps more than each ratio of the reference's success, in that order.

    The test is the one behind the interval of `compare`: the crossed t, or the score test of Tang and
    Nam where that speaks of checkpoints. A reference that never succeeds leaves nothing to be kept: at
    the level of seeds its p-values are 1.

    Args:
        candidate: Success `(seed, task, initial_condition)`, each from 0 to 1.
        reference: Success of the same shape; only the number of seeds may differ.
        ratios: What is to be kept, as declared: 0.8, 0.9, and 1 for superiority.
        level: What to speak of, as for `compare`.
        alpha_one_sided: As for `fixed_sequence`.

    Raises:
        ResultsError: As for `compare`, or a ratio is not a positive number.
    """
    comparison = compare(candidate, reference, level=level)
    return fixed_sequence(
        {
            f"R > {ratio:g}": _p_one_sided(candidate, reference, comparison=comparison, ratio=ratio)
            for ratio in ratios
        },
        alpha_one_sided=alpha_one_sided,
    )


def _p_one_sided(
    candidate: Successes, reference: Successes, *, comparison: Comparison, ratio: float
) -> float:
    if comparison.level == "checkpoints":
        counts = count_pairs(candidate.mean(axis=0), reference.mean(axis=0))
        return tang_nam_p_greater_one_sided(counts, ratio=ratio)
    p_value = crossed_t_test(candidate, reference, ratio=ratio).p_greater_one_sided
    return p_value if comparison.reference > 0 else 1.0
