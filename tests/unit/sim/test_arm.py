"""The light arm: merged vertices, STL files, and the cache."""

import importlib.util

import numpy as np
import pytest

from fedarm.errors import MachineError
from fedarm.sim import arm

GRID_M = 1.0


def test_vertices_in_one_cell_become_their_mean():
    corners = np.array(
        [[[0.1, 0.1, 0.1], [1.5, 0.5, 0.5], [0.5, 1.5, 0.5]]] * 1
        + [[[0.3, 0.3, 0.5], [2.5, 0.5, 0.5], [0.5, 2.5, 0.5]]],
        np.float32,
    )
    merged = arm.merge_vertices(corners, GRID_M)
    # (0.1, 0.1, 0.1) and (0.3, 0.3, 0.5) share the cell (0, 0, 0).
    np.testing.assert_allclose(merged[0, 0], [0.2, 0.2, 0.3], rtol=1e-6)
    np.testing.assert_allclose(merged[1, 0], [0.2, 0.2, 0.3], rtol=1e-6)
    np.testing.assert_allclose(merged[0, 1:], corners[0, 1:])


def test_faces_without_area_and_faces_on_top_of_each_other_are_dropped():
    small = [[0.1, 0.1, 0.1], [0.2, 0.1, 0.1], [0.1, 0.2, 0.1]]
    large = [[0.5, 0.5, 0.5], [5.5, 0.5, 0.5], [0.5, 5.5, 0.5]]
    back = [large[2], large[1], large[0]]
    merged = arm.merge_vertices(np.array([small, large, back], np.float32), GRID_M)
    assert merged.shape == (1, 3, 3)
    # The first of the two stays, with its corners in order: its normal still points outwards.
    np.testing.assert_allclose(merged[0, 1:], np.array(large, np.float32)[1:])


def test_merged_vertices_stay_within_a_cell_of_where_they_were():
    corners = np.random.default_rng(0).uniform(0, 0.05, (200, 3, 3)).astype(np.float32)
    merged = arm.merge_vertices(corners, 0.005)
    distances = np.linalg.norm(merged.reshape(-1, 1, 3) - corners.reshape(1, -1, 3), axis=2)
    assert distances.min(axis=1).max() <= 0.005 * np.sqrt(3)


def test_stl_round_trip(tmp_path):
    corners = np.random.default_rng(0).normal(size=(7, 3, 3)).astype(np.float32)
    arm.write_stl(tmp_path / "a.stl", corners)
    assert (tmp_path / "a.stl").stat().st_size == 84 + 7 * 50
    np.testing.assert_array_equal(arm.read_stl(tmp_path / "a.stl"), corners)


def test_the_arm_is_built_once_and_what_collides_stays_as_it_is(tmp_path, monkeypatch):
    monkeypatch.setenv("FEDARM_CACHE", str(tmp_path))
    file = arm.light_arm()
    built_at = file.stat().st_mtime_ns
    assert arm.light_arm() == file
    assert file.stat().st_mtime_ns == built_at
    assert [path.name for path in tmp_path.iterdir()] == [file.parent.name]

    source = arm._source_folder() / "assets"
    light = file.parent / "assets"
    assert {path.name for path in light.iterdir()} == {path.name for path in source.glob("*.stl")}
    faces = 0
    for path in light.iterdir():
        if "_gripper_part" in path.name:
            assert path.read_bytes() == (source / path.name).read_bytes()
        else:
            faces += len(arm.read_stl(path))
    assert faces < 11_000


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MachineError, match="so101-nexus"):
        arm.light_arm()
