"""The compact letter display: arms that share a letter are not told apart."""

from __future__ import annotations

from string import ascii_letters

import numpy as np
import numpy.typing as npt

from fedarm.errors import ResultsError


def compact_letters(differs: npt.ArrayLike) -> tuple[str, ...]:
    """Return the letters of each arm: two arms share one exactly when they do not differ.

    A letter belongs to a largest group of arms no two of which differ. Letters are given in the order of
    the rows, so sort the arms first and the best has an "a". After 52 letters come ".a", ".b" and so on.

    Args:
        differs: Which pairs differ `(arm, arm)`, symmetric, by any test.

    Source: Piepho 2004, Journal of Computational and Graphical Statistics 13, 456-466: for each
    difference insert columns, absorb those contained in others; without sweeping afterwards.

    Raises:
        ResultsError: The matrix is not square, boolean and symmetric, or an arm differs from itself.
    """
    matrix = _checked(differs)
    columns = [frozenset(range(len(matrix)))] if len(matrix) else []
    for first, second in zip(*np.nonzero(np.triu(matrix)), strict=True):
        columns = _absorb(_insert(columns, int(first), int(second)))
    columns.sort(key=sorted)
    return tuple(
        "".join(_letter(index) for index, column in enumerate(columns) if arm in column)
        for arm in range(len(matrix))
    )


def _insert(columns: list[frozenset[int]], first: int, second: int) -> list[frozenset[int]]:
    """Part every column that holds both into one without the first and one without the second."""
    parted: list[frozenset[int]] = []
    for column in columns:
        if first in column and second in column:
            parted += [column - {first}, column - {second}]
        else:
            parted.append(column)
    return parted


def _absorb(columns: list[frozenset[int]]) -> list[frozenset[int]]:
    """Drop every column that is contained in another."""
    distinct = list(dict.fromkeys(columns))
    return [column for column in distinct if not any(column < other for other in distinct)]


def _letter(index: int) -> str:
    return "." * (index // len(ascii_letters)) + ascii_letters[index % len(ascii_letters)]


def _checked(differs: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    matrix = np.asarray(differs)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or matrix.dtype != np.bool_:
        raise ResultsError(
            "letters need a square matrix of yes and no",
            key="differs",
            value=(matrix.shape, str(matrix.dtype)),
            remedy="compare p-values with a level first",
        )
    if not (matrix == matrix.T).all() or matrix.diagonal().any():
        raise ResultsError(
            "if one arm differs from another, so does the other from it, and none from itself",
            key="differs",
            remedy="fill in both halves of the matrix, and leave its diagonal false",
        )
    return matrix
