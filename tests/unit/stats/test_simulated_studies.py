"""The simulated studies of `benchmarks/coverage.py`: their truth, and that fedarm judges them."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from benchmarks.studies.batch import Arm, Batch
from benchmarks.studies.model import Study, mean_after_clipping, simulate, task_centres
from benchmarks.studies.pairs import score_pairs
from benchmarks.studies.rivals import METHODS, mcnemar_different
from benchmarks.studies.verdicts import judge
from fedarm.stats.comparison import compare
from fedarm.stats.counts import count_pairs
from fedarm.stats.crossed_components import crossed_components
from fedarm.stats.difference import tango
from fedarm.stats.proportions import newcombe_unpaired
from fedarm.stats.ratio import tang_nam


def simulated(study, ratio=0.9, *, studies=20, seed=0):
    rng = np.random.default_rng(seed)
    (candidate,), reference = simulate(study, (ratio,), studies=studies, rng=rng)
    return candidate, reference


def test_mean_after_clipping():
    """Half of a normal at 1 is clipped: 1 - sd / sqrt(2 pi). Far from the ends nothing is."""
    found = mean_after_clipping(np.array([1.0, 0.0, 0.5]), 0.1)
    assert found == pytest.approx([1 - 0.0398942, 0.0398942, 0.5], abs=1e-6)
    assert mean_after_clipping(np.array([1.2, 0.3]), 0.0) == pytest.approx([1.0, 0.3])


@pytest.mark.parametrize("success", [0.3, 0.95])
@pytest.mark.parametrize("ratio", [1.0, 0.8])
def test_arms_succeed_as_often_as_they_should(success, ratio):
    """The truth is that after clipping, which at 0.95 and 8 points takes away much."""
    study = Study(2, 3, 5, success, 0.08)
    centres = task_centres(study, ratio)
    assert mean_after_clipping(centres, 0.08).mean() == pytest.approx(ratio * success, abs=1e-9)
    candidate, reference = simulated(study, ratio, studies=5000)
    assert candidate.shape == reference.shape == (5000, 2, 3, 5)
    # The standard error is 0.003 at most.
    assert candidate.mean() == pytest.approx(ratio * success, abs=0.012)
    assert reference.mean() == pytest.approx(success, abs=0.012)


def test_arms_share_initial_conditions_and_seeds_do_not_share_luck():
    """Both succeed as often as two normals of that correlation are both below the threshold."""
    candidate, reference = simulated(Study(2, 1, 1, 0.7, 0.0), 1.0, studies=40_000)
    covariance = [[1.0, 0.3], [0.3, 1.0]]
    both = multivariate_normal(mean=[0, 0], cov=covariance).cdf([norm.ppf(0.7)] * 2)
    assert (candidate[:, 0] & reference[:, 0]).mean() == pytest.approx(both, abs=0.01)
    assert (candidate[:, 0] & candidate[:, 1]).mean() == pytest.approx(both, abs=0.01)


def test_seed_effects_have_their_deviation():
    """Over tasks and many episodes, seed means differ by the seed's effect and little more."""
    _, reference = simulated(Study(2, 2, 200, 0.6, 0.05, pair_correlation=0.0), studies=1000)
    noise = 0.6 * 0.4 / 400
    found = reference.mean(axis=(2, 3)).var(axis=1, ddof=1).mean()
    assert found - noise == pytest.approx(0.05**2, rel=0.2)


@pytest.mark.parametrize("seeds", [2, 5])
@pytest.mark.parametrize("tasks", [1, 3])
def test_batches_agree_with_fedarm_study_by_study(seeds, tasks):
    candidate, reference = simulated(Study(seeds, tasks, 9, 0.7, 0.05))
    batch = Batch(Arm.of(candidate), Arm.of(reference))
    for ratio in (1.0, 0.8):
        variance, df = batch.variance(ratio)
        for index, arms in enumerate(zip(candidate, reference, strict=True)):
            expected = crossed_components(*(arm.astype(float) for arm in arms)).variance(ratio)
            found = variance[index], df[index]
            assert found == pytest.approx([float(value[0]) for value in expected], rel=1e-9)


@pytest.mark.parametrize(
    "study", [Study(2, 1, 10, 0.95, 0.03), Study(2, 1, 4, 0.3, 0.0), Study(3, 4, 10, 0.85, 0.05)]
)
def test_verdicts_are_those_of_compare(study):
    """Also where no variance was seen, or no success, and score intervals stand in."""
    candidate, reference = simulated(study, 0.9)
    found = judge(candidate, reference, success=study.success, ratio=0.9)
    for index, arms in enumerate(zip(candidate, reference, strict=True)):
        expected = compare(*(arm.astype(float) for arm in arms))
        low, high = expected.ratio_ci.low, expected.ratio_ci.high
        assert found.ratio_covers[index] == (low <= 0.9 <= high)
        assert found.above[index] == (low > 0.9)
        assert found.fallback[index] == (expected.level == "checkpoints")
        low, high = expected.difference_ci.low, expected.difference_ci.high
        assert found.difference_covers[index] == (low <= -0.1 * study.success <= high)
        assert found.different[index] == (not low <= 0 <= high)
    if study.seeds == 2:
        assert found.fallback.any()


def test_pairs_are_scored_as_by_the_intervals():
    study = Study(1, 2, 12, 0.7, 0.0)
    candidate, reference = simulated(study, 0.8, studies=60)
    found = score_pairs(candidate, reference, success=0.7, ratio=0.8)
    tables = [
        count_pairs(*(arm.astype(float) for arm in arms))
        for arms in zip(candidate, reference, strict=True)
    ]
    by_tango = [interval.low <= -0.14 <= interval.high for interval in map(tango, tables)]
    by_tang_nam = [interval.low <= 0.8 <= interval.high for interval in map(tang_nam, tables)]
    assert found.tango_coverage == pytest.approx(np.mean(by_tango))
    assert found.tang_nam_coverage == pytest.approx(np.mean(by_tang_nam))
    assert found.above == np.mean([tang_nam(table).low > 0.8 for table in tables])


def test_rivals_without_resampling_are_the_textbook_ones():
    candidate, reference = simulated(Study(2, 2, 5, 0.7, 0.0), studies=3)
    rng = np.random.default_rng(0)
    pooled = [(int(arm.sum()), arm.size) for arm in (candidate[1], reference[1])]
    expected = newcombe_unpaired(*pooled)
    ((low, high),) = METHODS["pooled_newcombe"].intervals(candidate, reference, (1.0,), rng)
    assert (low[1], high[1]) == pytest.approx((expected.low, expected.high))


def test_mcnemar_looks_at_the_first_seed_only():
    """Mid-p of 6 discordant pairs, all one way, is 2^-6; of 4 it is 2^-4."""
    candidate = np.zeros((2, 2, 1, 8), dtype=bool)
    candidate[0, 0, 0, :6] = candidate[1, 0, 0, :4] = True
    candidate[:, 1] = True
    assert mcnemar_different(candidate, np.zeros_like(candidate)).tolist() == [True, False]


def test_bootstrap_of_two_runs():
    """Scores 0 and 1 on one task: the mean of two resampled runs is 0, 0.5 or 1."""
    candidate = np.zeros((1, 2, 1, 4), dtype=bool)
    candidate[:, 1] = True
    rng = np.random.default_rng(0)
    reference = np.zeros_like(candidate)
    ((low, high),) = METHODS["bootstrap_mean"].intervals(candidate, reference, (1.0,), rng)
    assert (low[0], high[0]) == (0.0, 1.0)
    ((low, high),) = METHODS["bootstrap_mean"].intervals(reference, ~reference, (0.5,), rng)
    assert (low[0], high[0]) == (-0.5, -0.5)
