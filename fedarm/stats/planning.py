"""Studies to choose from: how many seeds and episodes show what, and how many pairs of checkpoints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fedarm.errors import ResultsError
from fedarm.stats.power import (
    POWER,
    Design,
    detectable_difference,
    detectable_ratio,
    fewest_seeds,
    power_within,
)
from fedarm.stats.sample_size import expected_pairs, highest_correlation, pairs_for_ratio
from fedarm.stats.variances import Variances


@dataclass(frozen=True)
class Resolution:
    """What a design shows.

    Attributes:
        design: Seeds, and episodes a task and seed.
        power: The chance to show non-inferiority within the margin.
        difference: The smallest difference in success that it shows with the power asked for.
        ratio: The highest ratio that truly equal arms are shown to exceed; None if not even 0.
    """

    design: Design
    power: float
    difference: float
    ratio: float | None


@dataclass(frozen=True)
class MarginPlan:
    """What it takes to show non-inferiority within a margin.

    Attributes:
        margin: Share of the reference's success that may be lost.
        designs: For each number of episodes the fewest seeds that suffice.
        out_of_reach: Numbers of episodes a task and seed that no number of seeds up to 64 helps.
        pairs: Pairs of episodes, over all tasks, that suffice to speak of one pair of checkpoints only.
    """

    margin: float
    designs: tuple[Resolution, ...]
    out_of_reach: tuple[int, ...]
    pairs: int


def plan_margin(
    variances: Variances,
    *,
    margin: float,
    episodes: Sequence[int],
    true_ratio: float = 1.0,
    power: float = POWER,
) -> MarginPlan:
    """Return what it takes to show non-inferiority within a margin.

    Args:
        variances: Seen in a pilot, or assumed.
        margin: Share of the reference's success that may be lost.
        episodes: Numbers of episodes a task and seed to choose from.
        true_ratio: The candidate's success over the reference's.
        power: The chance to show it.

    Raises:
        ResultsError: The true ratio is not within the margin, or a number is out of its range.
    """
    if true_ratio <= 1 - margin:
        raise ResultsError(
            "what is not so cannot be shown: the true ratio does not lie within the margin",
            key="margin",
            value=margin,
            remedy=f"take a margin above {1 - true_ratio:.3g}, or a higher true ratio",
        )
    truth = {"true_ratio": true_ratio, "power": power}
    seeds = {
        count: fewest_seeds(variances, episodes=count, margin=margin, **truth)
        for count in sorted(set(episodes))
    }
    # A correlation that was seen between arms may be more than arms further apart can have.
    most = highest_correlation(variances.success, ratio=true_ratio)
    correlation = min(max(variances.pair_correlation, 0.0), most)
    pair = expected_pairs(variances.success, correlation=correlation, ratio=true_ratio)
    return MarginPlan(
        margin=margin,
        designs=tuple(
            resolution(variances, Design(fewest, count), margin=margin, **truth)
            for count, fewest in seeds.items()
            if fewest is not None
        ),
        out_of_reach=tuple(count for count, fewest in seeds.items() if fewest is None),
        pairs=pairs_for_ratio(pair, margin=margin, power=power),
    )


def resolution(
    variances: Variances,
    design: Design,
    *,
    margin: float,
    true_ratio: float = 1.0,
    power: float = POWER,
) -> Resolution:
    """Return what a design shows.

    Arguments as for `plan_margin`.

    Raises:
        ResultsError: The design is too small, or the power is out of its range.
    """
    return Resolution(
        design=design,
        power=power_within(variances, design, margin=margin, true_ratio=true_ratio),
        difference=detectable_difference(variances, design, power=power),
        ratio=detectable_ratio(variances, design, power=power),
    )
