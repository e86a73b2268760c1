from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fedarm.data.calibration import (
    ERAS,
    canonical_names,
    convert_era,
    declared_era,
    detect_era,
    is_so_arm,
)
from fedarm.data.dataset import open_dataset
from fedarm.errors import DataError

from .recording import JOINTS

LEGACY = tuple(f"main_{name.removesuffix('.pos')}" for name in JOINTS)
RANGES = {
    "shoulder_pan": (-110.0, 110.0),
    "shoulder_lift": (-100.0, 105.0),
    "elbow_flex": (-97.0, 97.0),
    "wrist_flex": (-95.0, 95.0),
    "wrist_roll": (-157.0, 163.0),
}


def _walk(low, high, rows=400):
    phase = np.linspace(0, 2 * np.pi, rows)[:, None] + np.arange(6)
    return low + (high - low) * (np.sin(phase) + 1) / 2


def test_legacy_degrees_become_todays_by_the_published_formula():
    legacy = np.array([[10.0, 190.0, 175.0, 60.0, -30.0, 12.0]])

    degrees = convert_era(legacy, LEGACY, source="legacy_degrees", target="degrees")

    np.testing.assert_array_equal(degrees, [[10.0, -100.0, 85.0, 60.0, -30.0, 12.0]])


def test_normalized_values_span_the_calibrated_range():
    ends = np.array([[-100.0] * 5 + [40.0], [0.0] * 5 + [40.0], [100.0] * 5 + [40.0]])

    degrees = convert_era(ends, JOINTS, source="normalized", target="degrees", ranges=RANGES)

    np.testing.assert_allclose(degrees[0, :5], [low for low, _ in RANGES.values()])
    np.testing.assert_allclose(degrees[1, :5], [0, 2.5, 0, 0, 3])
    np.testing.assert_allclose(degrees[2, :5], [high for _, high in RANGES.values()])
    np.testing.assert_array_equal(degrees[:, 5], 40.0)


@pytest.mark.parametrize("eras", [("normalized", "degrees"), ("legacy_degrees", "normalized")])
@pytest.mark.parametrize("ranges", [None, {}, RANGES | {"elbow_flex": (5.0, 5.0)}])
def test_normalized_values_need_every_range(eras, ranges):
    with pytest.raises(DataError, match=r"elbow_flex(.|\n)*remedy"):
        convert_era(np.zeros((1, 6)), JOINTS, source=eras[0], target=eras[1], ranges=ranges)


def test_other_robots_are_refused():
    with pytest.raises(DataError, match="SO-100"):
        convert_era(np.zeros((1, 2)), ("x", "y"), source="degrees", target="legacy_degrees")


@settings(max_examples=50, deadline=None)
@given(
    values=arrays(np.float64, (3, 6), elements=st.floats(-200, 200)),
    source=st.sampled_from(ERAS),
    target=st.sampled_from(ERAS),
)
def test_there_and_back_is_the_same(values, source, target):
    there = convert_era(values, JOINTS, source=source, target=target, ranges=RANGES)
    back = convert_era(there, JOINTS, source=target, target=source, ranges=RANGES)

    np.testing.assert_allclose(back, values, atol=1e-9)
    np.testing.assert_array_equal(there[:, 5], values[:, 5])


def test_names_of_any_era_are_one_arm():
    assert canonical_names(LEGACY) == JOINTS == canonical_names(JOINTS)
    assert canonical_names(("left_wheel", "gripper")) == ("left_wheel", "gripper.pos")
    assert is_so_arm(LEGACY)
    assert is_so_arm(JOINTS)
    assert not is_so_arm(JOINTS[:5])


@pytest.mark.parametrize(
    ("names", "values", "era", "confident"),
    [
        (LEGACY, _walk(-20, 20), "legacy_degrees", True),
        (JOINTS, _walk(0, 185), "legacy_degrees", True),
        (JOINTS, _walk(-105, 108), "degrees", True),
        (JOINTS, np.clip(_walk(-140, 140), -100, 100), "normalized", True),
        (JOINTS, _walk(-60, 70), None, False),
        (JOINTS, np.full((3, 6), np.nan), None, False),
        (("x", "y"), np.zeros((3, 2)), None, False),
    ],
)
def test_an_era_shows_in_names_and_values(names, values, era, confident):
    guess = detect_era(names, values)

    assert (guess.era, guess.confident) == (era, confident)
    assert guess.reason


def test_one_joint_beyond_its_range_is_a_guess_only():
    values = _walk(-60, 70)
    values[:, 2] += 120

    guess = detect_era(JOINTS, values)

    assert (guess.era, guess.confident) == ("legacy_degrees", False)
    assert "elbow_flex" in guess.reason


def test_a_wide_gripper_says_nothing_of_the_era():
    values = _walk(-60, 70)
    values[:, 5] = 100.0

    assert detect_era(JOINTS, values).era is None


@pytest.mark.parametrize(
    ("info", "names", "era"),
    [
        ({"calibration_era": "normalized"}, JOINTS, "normalized"),
        ({"use_degrees": True}, JOINTS, "degrees"),
        ({"use_degrees": False}, JOINTS, "normalized"),
        ({"units": "degrees"}, LEGACY, "legacy_degrees"),
        ({"features": {"observation.state": {"unit": "RANGE_M100_100"}}}, JOINTS, "normalized"),
        ({"units": "metres"}, JOINTS, None),
        ({"features": {}}, JOINTS, None),
    ],
)
def test_a_declared_era_is_read(info, names, era):
    assert declared_era(info, names) == era


def test_the_recorded_dataset_raises_no_confident_doubt(recorded):
    dataset = open_dataset(recorded)

    guess = detect_era(dataset.info.state_names, dataset.state)

    assert guess.era in (None, "degrees")
