"""Captions are legible, stay in their corner and share a line."""

import numpy as np
import pytest

from fedarm.rollout.captions import fit_text, margin_px, scrim, text_layer
from fedarm.rollout.layers import blend

LONG = "local_so101_pickplace_with_a_name_that_goes_on_and_on"


@pytest.mark.parametrize("size", [224, 240, 480])
@pytest.mark.parametrize("right", [False, True])
def test_text_lies_in_its_corner(size, right):
    layer = text_layer("round 15", size=size, right=right)
    picture = blend(np.zeros((size, size, 3), np.uint8), [layer])
    rows, columns = np.nonzero(picture.any(axis=-1))
    assert rows.min() > 0.8 * size
    assert rows.max() < size - margin_px(size)
    assert (columns.mean() > size / 2) == right
    assert margin_px(size) <= columns.min()
    assert columns.max() < size - margin_px(size)


def test_second_line_is_below_the_first():
    first, second = (text_layer("step 1", size=240, line=line) for line in (0, 1))
    assert second.top >= first.top + 0.046 * 240


def test_different_words_look_different():
    assert not np.array_equal(
        text_layer("step 12", size=240).alpha, text_layer("step 13", size=240).alpha
    )


@pytest.mark.parametrize("size", [224, 240, 1080])
def test_long_texts_of_a_line_do_not_overlap(size):
    left = text_layer(LONG, size=size)
    right = text_layer(LONG, size=size, right=True)
    assert left.left + left.alpha.shape[1] < right.left


@pytest.mark.parametrize("size", [224, 240, 480])
def test_names_of_the_default_experiment_are_not_shortened(size):
    for text in ("local_so101_pickplace", "sorting_moved_camera"):
        assert fit_text(text, size=size) == text
    for text in ("round 15  seed 2", "success, step 36", "no success"):
        assert fit_text(text, size=size, right=True) == text
    assert fit_text(LONG, size=size).endswith("…")


def test_scrim_darkens_the_bottom_and_leaves_the_rest():
    picture = blend(np.full((240, 240, 3), 220, np.uint8), [scrim(240)])
    assert picture[-1].max() < 120
    assert (picture[:180] == 220).all()
