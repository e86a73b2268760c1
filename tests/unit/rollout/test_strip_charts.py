"""Curves lie where their numbers put them, and predictions give way to the next one."""

import numpy as np
import pytest

from fedarm.rollout.pictures import GROUND, camera_strip, frame_repeats
from fedarm.rollout.strip_charts import PREDICTED, RECORDED, StripCharts

FRAMES, WIDTH, HEIGHT = 11, 200, 100
# The second joint's chart is the right half; its values run from 0 at row 94 to 10 at row 36.
LEFT, LOW_ROW, HIGH_ROW = 100, 94, 36


@pytest.fixture
def charts():
    recorded = np.zeros((FRAMES, 2))
    predicted = np.full((4, 2), 10.0)
    return StripCharts(recorded, predicted, headings=("pan", "grip"), width=WIDTH, height=HEIGHT)


def column(frame: float) -> int:
    """Return the picture's column of a frame in the second chart."""
    return round(LEFT + 100 * (0.03 + 0.94 * frame / (FRAMES - 1)))


def is_drawn(picture, row, place, colour) -> bool:
    """Return whether a pixel there is nearer to a colour than to the ground; edges are smoothed."""
    around = picture[row - 1 : row + 2, place].astype(int)
    halfway = np.abs(np.subtract(colour, (22, 26, 34))).sum() / 2
    return bool((np.abs(around - np.array(colour)).sum(axis=1) < halfway).any())


def test_values_are_rows_and_frames_are_columns(charts):
    charts.predict(np.full((4, 2), 10.0), frame=2, executed=2)
    picture = charts.picture(0)
    assert is_drawn(picture, LOW_ROW, column(8), RECORDED)
    assert is_drawn(picture, HIGH_ROW, column(3), PREDICTED)
    assert is_drawn(picture, HIGH_ROW, column(4.8), PREDICTED)
    for elsewhere in (1, 6):
        assert not is_drawn(picture, HIGH_ROW, column(elsewhere), PREDICTED)


def test_of_an_old_prediction_what_would_have_been_executed_stays_darker(charts):
    charts.predict(np.full((4, 2), 10.0), frame=0, executed=2)
    charts.predict(np.full((4, 2), 10.0), frame=6, executed=2)
    picture = charts.picture(5)
    executed = picture[HIGH_ROW - 1 : HIGH_ROW + 2, column(1)].max(axis=0)
    assert executed[1] > executed[0] + 30
    assert executed[1] < PREDICTED[1] - 60
    assert not is_drawn(picture, HIGH_ROW, column(2.8), PREDICTED)
    assert is_drawn(picture, HIGH_ROW, column(7), PREDICTED)


def test_the_cursor_moves(charts):
    for frame in (0, 5, 10):
        picture = charts.picture(frame).astype(int)
        middle = picture[60, LEFT + 2 :].sum(axis=1)
        assert LEFT + 2 + int(middle.argmax()) == pytest.approx(column(frame), abs=1)


def test_a_joint_that_stands_still_is_a_flat_line():
    charts = StripCharts(
        np.full((5, 1), 3.0), np.full((2, 1), 3.0), headings=("roll",), width=200, height=80
    )
    assert charts.picture(0).shape == (80, 200, 3)


def test_cameras_stand_side_by_side_with_their_aspect():
    wide = np.full((60, 80, 3), 200, np.uint8)
    strip = camera_strip([wide, wide], width=200, height=150)
    drawn = (strip != GROUND).any(axis=2)
    # Each has 100 columns, so 75 rows, in the middle.
    assert drawn.sum() == 2 * 100 * 75
    assert drawn[37:112].all()


@pytest.mark.parametrize(("fps", "repeats"), [(10, [3] * 10), (30, [1] * 30), (50, None)])
def test_films_run_in_real_time(fps, repeats):
    shown = [frame_repeats(frame, fps, 30) for frame in range(fps)]
    assert sum(shown) == 30
    assert repeats is None or shown == repeats
