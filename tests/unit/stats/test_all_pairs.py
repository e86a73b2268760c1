import numpy as np
import pytest

from fedarm.errors import ResultsError
from fedarm.stats.all_pairs import compare_all_pairs
from fedarm.stats.comparison import compare
from fedarm.stats.paired_tests import holm


@pytest.fixture
def arms():
    """Two arms that succeed alike, and a far worse one; three seeds, two tasks, 20 conditions."""
    rng = np.random.default_rng(0)
    return {
        name: (rng.uniform(size=(3, 2, 20)) < success).astype(float)
        for name, success in (("base", 0.15), ("fedavg", 0.75), ("central", 0.8))
    }


def test_every_pair_is_compared_once_and_corrected(arms):
    found = compare_all_pairs(arms)
    assert [(pair.first, pair.second) for pair in found.pairs] == [
        ("base", "fedavg"),
        ("base", "central"),
        ("fedavg", "central"),
    ]
    alone = [compare(arms[pair.first], arms[pair.second]) for pair in found.pairs]
    assert [pair.comparison for pair in found.pairs] == alone
    assert [pair.holm_p_two_sided for pair in found.pairs] == pytest.approx(
        holm([comparison.difference_p_two_sided for comparison in alone])
    )
    assert found.success["fedavg"] == pytest.approx(arms["fedavg"].mean())


def test_letters_begin_with_the_best(arms):
    found = compare_all_pairs(arms)
    assert found.differs().tolist() == [
        [False, True, True],
        [True, False, False],
        [True, False, False],
    ]
    best, next_best = sorted(("fedavg", "central"), key=lambda name: -arms[name].mean())
    assert list(found.letters().items()) == [(best, "a"), (next_best, "a"), ("base", "b")]
    assert set(found.letters(alpha_two_sided=0.0).values()) == {"a"}


def test_an_arm_of_one_seed_speaks_of_checkpoints(arms):
    found = compare_all_pairs(arms | {"base": arms["base"][:1]})
    assert [pair.comparison.level for pair in found.pairs] == [
        "checkpoints",
        "checkpoints",
        "seeds",
    ]


def test_unfit_arms_are_refused(arms):
    with pytest.raises(ResultsError, match="two arms"):
        compare_all_pairs({"central": arms["central"]})
    with pytest.raises(ResultsError, match="same tasks"):
        compare_all_pairs(arms | {"base": arms["base"][:, :1]})
