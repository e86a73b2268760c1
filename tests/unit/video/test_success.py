from __future__ import annotations

import numpy as np
import pytest

from fedarm.errors import VideoError
from fedarm.video.success import FinalFrameCheck, judge_last_frame, parse_check

from .drawing import DISC_RADIUS_M, picture

RED, BLUE, ORANGE, WHITE = (200, 40, 35), (40, 70, 200), (235, 130, 30), (235, 235, 235)
ON_DISC = FinalFrameCheck(RED, BLUE, "on_disc", tolerance=0.03 / DISC_RADIUS_M)
STACKED = FinalFrameCheck(RED, BLUE, "stacked")

elevations = pytest.mark.parametrize("elevation_deg", [35, 45, 60])
places = pytest.mark.parametrize("place", [(0.0, 0.0), (0.08, 0.05), (-0.08, -0.05)])
DIRECTIONS = np.linspace(0, 2 * np.pi, 8, endpoint=False)


def _beside(place, distance_m, angle):
    return (place[0] + distance_m * np.cos(angle), place[1] + distance_m * np.sin(angle), 0.0)


@elevations
@places
@pytest.mark.parametrize(("distance_m", "expected"), [(0.0, True), (0.015, True), (0.045, False)])
def test_on_disc_follows_the_distance(elevation_deg, place, distance_m, expected):
    """The disc's radius is 4 cm and the tolerance 3 cm; the cube hides up to a third of the disc."""
    for angle in DIRECTIONS:
        image = picture(
            cubes=[(_beside(place, distance_m, angle), RED)],
            discs=[(place, BLUE)],
            elevation_deg=elevation_deg,
        )
        assert judge_last_frame(image, ON_DISC) is expected


def test_a_disc_without_hue():
    check = FinalFrameCheck(ORANGE, WHITE, "on_disc")
    for distance_m, expected in ((0.0, True), (0.06, False)):
        image = picture(cubes=[((distance_m, 0.0, 0.0), ORANGE)], discs=[((0.0, 0.0), WHITE)])
        assert judge_last_frame(image, check) is expected


def test_an_arm_that_hides_half_the_disc_does_not_matter():
    image = picture(cubes=[((0.0, 0.0, 0.0), RED)], discs=[((0.0, 0.0), BLUE)])
    image[:108, 100:124] = (240, 200, 60)

    assert judge_last_frame(image, ON_DISC) is True


def test_of_two_discs_the_right_one_counts():
    green = (50, 160, 70)
    image = picture(
        cubes=[((0.07, 0.0, 0.0), RED)], discs=[((0.07, 0.0), BLUE), ((-0.07, 0.0), green)]
    )

    assert judge_last_frame(image, ON_DISC) is True
    assert judge_last_frame(image, FinalFrameCheck(RED, green, "on_disc")) is False


@pytest.mark.parametrize("elevation_deg", [35, 43, 50])
@places
@pytest.mark.parametrize(("distance_m", "expected"), [(0.0, True), (0.012, True), (0.06, False)])
def test_a_cube_on_a_disc_of_its_own_colour(elevation_deg, place, distance_m, expected):
    check = FinalFrameCheck(RED, RED, "on_disc", tolerance=ON_DISC.tolerance)
    for angle in DIRECTIONS:
        image = picture(
            cubes=[(_beside(place, distance_m, angle), RED)],
            discs=[(place, RED)],
            elevation_deg=elevation_deg,
        )
        assert judge_last_frame(image, check) is expected


def test_a_cube_on_the_disc_of_another_colour_while_its_own_is_empty():
    image = picture(
        cubes=[((0.07, 0.0, 0.0), RED)], discs=[((0.07, 0.0), BLUE), ((-0.07, 0.0), RED)]
    )

    assert judge_last_frame(image, FinalFrameCheck(RED, RED, "on_disc")) is False


@elevations
@places
@pytest.mark.parametrize(
    ("offset", "expected"),
    [
        ((0.0, 0.0, 0.03), True),
        ((0.008, 0.0, 0.03), True),
        ((0.0, -0.004, 0.03), True),
        # Behind, before and beside the goal cube, and far from it.
        ((0.0, 0.031, 0.0), False),
        ((0.01, 0.032, 0.0), False),
        ((0.0, -0.031, 0.0), False),
        ((0.031, 0.0, 0.0), False),
        ((-0.05, 0.04, 0.0), False),
    ],
)
def test_stacked_is_told_from_standing_nearby(elevation_deg, place, offset, expected):
    base = tuple(np.array([*place, 0.0]) + offset)
    image = picture(cubes=[(base, RED), ((*place, 0.0), BLUE)], elevation_deg=elevation_deg)

    assert judge_last_frame(image, STACKED) is expected


@pytest.mark.parametrize("check", [ON_DISC, STACKED])
def test_what_cannot_be_seen_is_undetermined(check):
    only_object = picture(cubes=[((0.0, 0.0, 0.0), RED)])
    only_goal = picture(discs=[((0.0, 0.0), BLUE)])

    assert judge_last_frame(only_object, check) is None
    assert judge_last_frame(only_goal, check) is None


def test_a_disc_alone_is_not_taken_for_a_cube_of_its_colour():
    image = picture(discs=[((0.0, 0.0), RED)])

    assert judge_last_frame(image, FinalFrameCheck(RED, RED, "on_disc")) is None


def test_specks_are_not_objects():
    image = picture(discs=[((0.0, 0.0), BLUE)])
    image[112, 112:116] = RED

    assert judge_last_frame(image, ON_DISC) is None


def test_a_record_is_parsed():
    hints = {"object_rgb": [1, 2, 3], "goal_rgb": [4, 5, 6], "relation": "stacked"}

    assert parse_check(hints) == FinalFrameCheck((1, 2, 3), (4, 5, 6), "stacked")


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"object_rgb": None}, "object_rgb"),
        ({"goal_rgb": [0.1, 0.2, 0.3]}, "goal_rgb"),
        ({"goal_rgb": [1, 2, 256]}, "goal_rgb"),
        ({"tolerance": "wide"}, "tolerance"),
        ({"tolerance": 0}, "tolerance"),
        ({"relation": "on_disk"}, "did you mean 'on_disc'"),
    ],
)
def test_a_senseless_record_is_refused(change, key):
    hints = {"object_rgb": [1, 2, 3], "goal_rgb": [4, 5, 6], "relation": "on_disc"}

    with pytest.raises(VideoError, match=key):
        parse_check(hints | change)
