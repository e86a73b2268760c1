from itertools import combinations

import numpy as np
import pytest

from fedarm.errors import ResultsError
from fedarm.stats.letters import compact_letters


def differences(arms, pairs):
    matrix = np.zeros((arms, arms), dtype=bool)
    for first, second in pairs:
        matrix[first, second] = matrix[second, first] = True
    return matrix


def not_shared(letters):
    """The matrix that a display says."""
    return np.array([[not set(one) & set(two) for two in letters] for one in letters])


def test_five_groups_of_ennis():
    """Ennis, Fayle and Ennis 2012, ACM JEA 17, 1.5: 1 to 3, 2 to 4 and 3 to 5 do not differ."""
    matrix = differences(5, [(0, 3), (0, 4), (1, 4)])
    assert compact_letters(matrix) == ("a", "ab", "abc", "bc", "c")


def test_wheat_trial_of_piepho():
    """Twenty wheats of Piepho 2004, as in Ennis et al. 2012: 4 letters, given 56 times in all.

    The differences are those of the display that they reduce to 44 letters.
    """
    reduced = (
        "ABC BD AD BD AB BD AB ABC BD AB BD CD BD ABC ABC AB ABC B ABC C".split()  # noqa: SIM905
    )
    letters = compact_letters(not_shared(reduced))
    assert len(set("".join(letters))) == 4
    assert sum(map(len, letters)) == 56
    assert (not_shared(letters) == not_shared(reduced)).all()


def test_documented_example_of_multcompview():
    """`multcompLetters` of R: only the second and the third differ."""
    assert compact_letters(differences(3, [(1, 2)])) == ("ab", "a", "b")


@pytest.mark.parametrize("seed", range(12))
def test_sharing_a_letter_is_not_differing(seed):
    rng = np.random.default_rng(seed)
    arms = int(rng.integers(2, 9))
    pairs = [pair for pair in combinations(range(arms), 2) if rng.uniform() < rng.uniform()]
    matrix = differences(arms, pairs)
    letters = compact_letters(matrix)
    assert (not_shared(letters) == matrix).all()
    # No letter's arms are all in another's, so none could be left out at sight.
    groups = [
        {arm for arm, of in enumerate(letters) if letter in of} for letter in set("".join(letters))
    ]
    assert not any(one < two for one in groups for two in groups)


def test_extremes():
    assert compact_letters(differences(3, [])) == ("a", "a", "a")
    assert compact_letters(~np.eye(3, dtype=bool)) == ("a", "b", "c")
    assert compact_letters(np.zeros((0, 0), dtype=bool)) == ()
    assert compact_letters(~np.eye(54, dtype=bool))[25:54:26] == ("z", "Z")
    assert compact_letters(~np.eye(54, dtype=bool))[-1] == ".b"


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.zeros((2, 3), dtype=bool), "square"),
        (np.array([[0.0, 0.01], [0.01, 0.0]]), "yes and no"),
        (np.array([[False, True], [False, False]]), "so does the other"),
        (np.eye(2, dtype=bool), "none from itself"),
    ],
)
def test_unfit_matrices_are_refused(matrix, message):
    with pytest.raises(ResultsError, match=message):
        compact_letters(matrix)
