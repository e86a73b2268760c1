from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fedarm.data.frame_cache import build_frame_cache, open_frame_cache
from fedarm.data.statistics import (
    JOINT_STD_FLOOR,
    PIXEL_STD_FLOOR,
    FeatureSums,
    Sums,
    sums_of,
)
from fedarm.errors import DataError

from .recording import FRONT, WRIST

STATE = "observation.state"


@pytest.fixture(scope="module")
def cached(recorded, tmp_path_factory):
    out = tmp_path_factory.mktemp("statistics") / "cache"
    build_frame_cache(recorded, out, image_size=64)
    return open_frame_cache(out)


def _joint_sums(*rows):
    values = np.array(rows, dtype=np.float64)
    sums = Sums(count=len(values), sum=values.sum(0), sum_of_squares=(values**2).sum(0))
    return FeatureSums({STATE: sums})


def test_mean_and_population_deviation_by_hand():
    # 1, 2, 3, 6: mean 3, squared deviations 4 + 1 + 0 + 9 = 14, over 4.
    statistics = _joint_sums([1], [2], [3], [6]).statistics()

    assert statistics[STATE]["mean"] == pytest.approx([3.0])
    assert statistics[STATE]["std"] == pytest.approx([np.sqrt(3.5)])


def test_sums_of_clients_give_the_statistics_of_the_pool(cached):
    parts = [sums_of(cached, [0, 3]), sums_of(cached, [1]), sums_of(cached, [2])]
    pooled = sums_of(cached, [0, 1, 2, 3]).statistics()

    added = (parts[0] + parts[1] + parts[2]).statistics()

    assert list(added) == ["action", FRONT, WRIST, STATE]
    for key, moments in pooled.items():
        for name, value in moments.items():
            np.testing.assert_allclose(added[key][name], value, rtol=1e-12)


def test_statistics_are_those_of_the_rows(cached):
    rows = cached.rows_of([1, 2])
    statistics = sums_of(cached, [1, 2]).statistics()

    np.testing.assert_allclose(statistics[STATE]["mean"], cached.state[rows].mean(0), rtol=1e-4)
    np.testing.assert_allclose(statistics["action"]["std"], cached.action[rows].std(0), rtol=1e-5)
    pixels = cached.frames[rows, 1] / 255.0
    assert statistics[WRIST]["mean"].shape == (3, 1, 1)
    np.testing.assert_allclose(statistics[WRIST]["mean"].ravel(), pixels.mean((0, 1, 2)))
    np.testing.assert_allclose(statistics[WRIST]["std"].ravel(), pixels.std((0, 1, 2)))


def test_held_out_rows_do_not_matter(cached):
    """Rows of other episodes are made unusable: the sums stay the same."""
    train = [0, 2]
    held_out = cached.rows_of([1, 3])
    spoiled = {name: getattr(cached, name).copy() for name in ("state", "action")}
    for values in spoiled.values():
        values[held_out] = np.nan
    frames = np.array(cached.frames)
    frames[held_out] = 255

    expected = sums_of(cached, train).to_arrays()
    actual = sums_of(replace(cached, frames=frames, **spoiled), train).to_arrays()

    for name, values in expected.items():
        np.testing.assert_array_equal(actual[name], values)


def test_image_stride_takes_every_nth_train_frame(cached):
    sums = sums_of(cached, [1], image_stride=5).features[FRONT]

    rows = cached.rows_of([1])[[0, 5, 10]]
    assert sums.count == 3 * 64 * 64
    np.testing.assert_allclose(
        sums.sum.ravel(), cached.frames[rows, 0].sum((0, 1, 2), dtype=np.int64) / 255.0
    )


def test_arrays_travel_without_loss(cached):
    sums = sums_of(cached, [0])
    arrays = sums.to_arrays()

    assert all(values.dtype == np.float64 for values in arrays.values())
    back = FeatureSums.from_arrays(arrays)
    for key, expected in sums.features.items():
        assert back.features[key].count == expected.count
        np.testing.assert_array_equal(back.features[key].sum, expected.sum)
        np.testing.assert_array_equal(back.features[key].sum_of_squares, expected.sum_of_squares)


def test_incomplete_arrays_are_refused(cached):
    arrays = sums_of(cached, [0]).to_arrays()
    del arrays["action/sum_of_squares"]

    with pytest.raises(DataError, match="action/sum_of_squares"):
        FeatureSums.from_arrays(arrays)


def test_constant_features_get_the_floor():
    joint = _joint_sums([5.0], [5.0]).features[STATE]
    black = Sums(count=4, sum=np.zeros((3, 1, 1)), sum_of_squares=np.zeros((3, 1, 1)))

    statistics = FeatureSums({STATE: joint, FRONT: black}).statistics()

    assert statistics[STATE]["std"] == [JOINT_STD_FLOOR]
    assert (statistics[FRONT]["std"] == PIXEL_STD_FLOOR).all()


def test_other_joints_cannot_be_added():
    with pytest.raises(DataError, match="different features"):
        _joint_sums([1, 2]) + _joint_sums([1, 2, 3])


def test_no_episode_is_refused(cached):
    with pytest.raises(DataError, match="at least one episode"):
        sums_of(cached, [])
