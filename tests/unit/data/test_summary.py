"""A dataset's summary: what it tells, what it must not tell, and that it survives the journey."""

from __future__ import annotations

import json

import numpy as np
import pytest

from fedarm.data.sketches import shared_episodes
from fedarm.data.summary import joint_range, read_summary, summarize_dataset
from fedarm.errors import DataError
from fedarm.paths import write_json

from .recording import FRONT, JOINTS, LENGTHS, WRIST
from .summaries import dataset, motions, summary


def test_a_recorded_dataset_is_summarized(recorded, tmp_path):
    made = summarize_dataset(recorded, name="client")

    assert made.name == "client"
    assert (made.codebase_version, made.fps, made.robot_type) == ("v3.0", 10, "so101_follower")
    assert made.joints == {"observation.state": JOINTS, "action": JOINTS}
    assert set(made.cameras) == {FRONT, WRIST}
    assert (made.cameras[FRONT].height, made.cameras[FRONT].width) == (64, 64)
    assert set(made.features) >= {"action", "observation.state", "timestamp"}
    assert FRONT not in made.features
    assert made.tasks == ("put the cube down", "stack the cubes")
    assert [episode.length for episode in made.episodes] == list(LENGTHS)
    assert made.frames == sum(LENGTHS)

    file = tmp_path / "summary.json"
    write_json(file, made.to_json())
    assert read_summary(file) == made


def test_ranges_are_those_of_the_rows():
    values = np.arange(1, 10001, dtype=np.float32) / 100
    found = joint_range(values)

    assert (found.count, found.min, found.max) == (10000, 0.01, 100.0)
    assert found.mean == pytest.approx(50.005, abs=1e-3)
    assert found.std == pytest.approx(np.std(values), abs=1e-3)
    quantiles = (found.q01, found.q10, found.q50, found.q90, found.q99)
    # Within one of the histogram's thousand bins.
    assert quantiles == pytest.approx([1, 10, 50, 90, 99], abs=0.1)


def test_ranges_leave_out_what_is_not_finite_and_stand_still():
    found = joint_range(np.array([5.0, np.nan, 5.0, np.inf], np.float32))

    assert found.count == 2
    assert (found.q01, found.q99, found.std) == (5, 5, 0)
    assert joint_range(np.array([np.nan], np.float32)) is None


def test_no_row_leaves_the_client():
    """Beyond extremes, no number of the summary is a value of the tables."""
    shown = motions(3)
    made = summary("a", shown)
    extremes = {
        number
        for joints in made.ranges.values()
        for r in joints.values()
        for number in (r.min, r.max)
    }
    numbers = set(_numbers(made.to_json())) - extremes
    values = dataset(shown).action
    told = {round(float(value), 4) for value in values.ravel()}
    assert len(numbers & told) <= 0.02 * len(numbers)
    assert len(json.dumps(made.to_json())) < 8000


def test_another_salt_gives_other_sketches():
    shown = motions(3)
    one, other = summary("a", shown, salt="one"), summary("a", shown, salt="other")

    assert one.salt != other.salt
    assert shared_episodes(one.sketches, other.sketches) == []
    assert "one" not in json.dumps(one.to_json()).split('"')


def test_sketches_tell_copies_from_other_episodes():
    shown = motions(3, episodes=4)
    copies = [shown[2] + np.float32(1e-4) * 0, shown[0][5:], shown[3][::-1] * 0.5]
    found = shared_episodes(summary("a", shown).sketches, summary("b", copies).sketches)

    assert [(pair.first, pair.second) for pair in found] == [(0, 1), (2, 0)]


def test_an_arm_at_rest_is_no_ones_copy():
    rest = [np.full((40, 6), 3.0), np.full((40, 6), 3.0)]
    made = summary("a", rest)

    assert [episode.sketch for episode in made.episodes] == [(), ()]


def test_a_declared_era_is_believed(recorded, dataset_root, edit_info):
    edit_info(calibration_era="degrees")
    calibration = summarize_dataset(dataset_root, name="x").calibration

    assert (calibration.era, calibration.confident) == ("degrees", True)
    assert summarize_dataset(recorded, name="x").calibration.reason != calibration.reason


def test_what_is_no_summary_is_refused(tmp_path):
    file = tmp_path / "a.json"
    write_json(file, {**summary("a").to_json(), "fps": 0})
    with pytest.raises(DataError, match=r"(?s)not a summary.*a\.json.*fps.*fedarm data summarize"):
        read_summary(file)
    write_json(file, [])
    with pytest.raises(DataError, match="not a summary"):
        read_summary(file)


def _numbers(value):
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _numbers(item)
    elif isinstance(value, float):
        yield value
