"""What holds for every hotfix and every damage: idempotent, order-free, no row lost without account."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fedarm.config_hotfixes import (
    ConvertEra,
    CorrectFps,
    DeclaredRows,
    DropEpisodes,
    FillTasks,
    MendPointers,
    MendTotals,
    RecomputeStatistics,
    RenameCameras,
    RenameJoints,
    RestampTimestamps,
)
from fedarm.data.calibration import BODY_JOINTS
from fedarm.data.checks import run_checks
from fedarm.data.dataset import open_dataset
from fedarm.data.hotfixes import HOTFIXES, apply_hotfixes, apply_in_place
from fedarm.data.hotfixes.tables import read_table, set_column, update_episodes, write_table
from fedarm.provenance import digest_folder

from .conftest import LENGTHS
from .making import CAMERA

EVERY_FIX = (
    MendPointers(),
    DeclaredRows(),
    MendTotals(),
    FillTasks(tasks=("put it away",)),
    CorrectFps(fps=20),
    RestampTimestamps(),
    RenameCameras(cameras={CAMERA: "observation.images.front"}),
    RenameJoints(joints={"jaw.pos": "gripper.pos"}),
    ConvertEra(to="normalized", source="degrees", ranges=dict.fromkeys(BODY_JOINTS, (-110, 110))),
    DropEpisodes(episodes=(1, 3)),
    RecomputeStatistics(held_out=1),
)
FILE = "data/chunk-000/file-001.parquet"

few = settings(
    max_examples=5,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def test_every_hotfix_is_tried_here():
    assert {fix.fix for fix in EVERY_FIX} == set(HOTFIXES)


@pytest.mark.parametrize("fix", EVERY_FIX, ids=lambda fix: fix.fix)
def test_a_second_run_changes_nothing_and_the_source_stays(root, tmp_path, fix):
    # A sound dataset has no names for it to mend.
    if fix.fix == "rename_joints":
        apply_in_place(root, [RenameJoints(joints={"gripper.pos": "jaw.pos"})])
    before = digest_folder(root)
    apply_hotfixes(root, tmp_path / "once", [fix])

    (again,) = apply_hotfixes(tmp_path / "once", tmp_path / "twice", [fix]).to_json()["hotfixes"]

    assert again["before"] == again["after"]
    assert (again["rows"], again["frames"], again["episodes"]) == (0, 0, [])
    assert digest_folder(tmp_path / "once") == digest_folder(tmp_path / "twice")
    assert digest_folder(root) == before
    assert run_checks(tmp_path / "once").passed


@settings(few, max_examples=2)
@given(order=st.permutations([fix for fix in EVERY_FIX if fix.fix != "rename_joints"]))
def test_the_order_in_the_configuration_does_not_matter(sound, order):
    with tempfile.TemporaryDirectory() as folder:
        one, other = Path(folder, "one"), Path(folder, "other")
        reports = [
            apply_hotfixes(sound, one, order).to_json(),
            apply_hotfixes(sound, other, sorted(order, key=lambda fix: fix.fix)).to_json(),
        ]

        assert reports[0] == reports[1]
        assert digest_folder(one) == digest_folder(other)
        assert run_checks(one).passed


@few
@given(
    doubled=st.lists(st.integers(0, 16), max_size=20),
    seed=st.integers(0, 10_000),
)
def test_rows_doubled_and_shuffled_come_back_to_the_byte(sound, doubled, seed):
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "dataset")
        shutil.copytree(sound, root)
        table = read_table(root / FILE)
        rows = np.random.default_rng(seed).permutation([*range(len(table)), *doubled])
        write_table(root / FILE, table.take(pa.array(rows)))

        (entry,) = apply_in_place(root, [DeclaredRows()]).to_json()["hotfixes"]

        assert digest_folder(root) == digest_folder(sound)
        assert entry["rows"] >= len(doubled)
        assert (str(len(doubled)) in entry["why"]) or not doubled


@few
@given(
    episode=st.integers(0, len(LENGTHS) - 1),
    wrong=st.integers(0, 9),
    drift_s=st.floats(0.01, 3.0),
)
def test_pointers_come_back_to_the_byte(sound, episode, wrong, drift_s):
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "dataset")
        shutil.copytree(sound, root)
        cells = {
            "data/file_index": wrong,
            f"videos/{CAMERA}/file_index": wrong,
            f"videos/{CAMERA}/from_timestamp": drift_s + 10,
            "dataset_from_index": 999,
        }
        update_episodes(root, {episode: cells})

        (entry,) = apply_in_place(root, [MendPointers()]).to_json()["hotfixes"]

        assert digest_folder(root) == digest_folder(sound)
        assert entry["episodes"] == [episode]


@few
@given(st.lists(st.floats(-5, 5, width=32), min_size=17, max_size=17))
def test_timestamps_come_back_to_the_byte(sound, offsets):
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "dataset")
        shutil.copytree(sound, root)
        table = read_table(root / FILE)
        stamps = table["timestamp"].to_numpy() + np.array(offsets, np.float32)
        write_table(root / FILE, set_column(table, "timestamp", stamps))

        apply_in_place(root, [RestampTimestamps()])

        assert digest_folder(root) == digest_folder(sound)


@few
@given(dropped=st.sets(st.integers(0, len(LENGTHS) - 1), min_size=1, max_size=len(LENGTHS) - 1))
def test_dropped_episodes_are_counted_and_the_others_keep_their_values(sound, dropped):
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "dataset")
        fixes = [DropEpisodes(episodes=tuple(dropped))]
        (entry,) = apply_hotfixes(sound, root, fixes).to_json()["hotfixes"]
        original, left = open_dataset(sound), open_dataset(root)

        assert entry["episodes"] == sorted(dropped)
        assert entry["rows"] == entry["frames"] == sum(LENGTHS[index] for index in dropped)
        assert len(left.state) == sum(LENGTHS) - entry["rows"]
        kept = ~np.isin(original.episode_index, sorted(dropped))
        np.testing.assert_array_equal(left.state, original.state[kept])
        assert run_checks(root).passed
