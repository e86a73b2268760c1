from __future__ import annotations

import json
import math
import shutil

import av
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

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
from fedarm.data.calibration import ERA_KEY
from fedarm.data.checks import run_checks
from fedarm.data.dataset import open_dataset
from fedarm.data.decoding import decode_camera
from fedarm.data.hotfixes import apply_hotfixes, apply_in_place, suggest_hotfixes
from fedarm.data.hotfixes.packets import cut_video
from fedarm.data.hotfixes.tables import read_table, replace_table, set_matrix, update_episodes
from fedarm.data.info import read_info
from fedarm.errors import DataError
from fedarm.provenance import digest_folder

from .conftest import LENGTHS, TASKS
from .doubled import LEGACY_JOINTS
from .making import CAMERA, SIDE, make_dataset, ramp, write_video

FIRST = "data/chunk-000/file-000.parquet"
VIDEO = f"videos/{CAMERA}/chunk-000/file-000.mp4"


def _edit_info(root, **changes):
    file = root / "meta/info.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes, indent=4))


def _spoil(root, episode, frame, value):
    table = read_table(root / FIRST)
    values = np.stack(table["action"].to_numpy(zero_copy_only=False))
    values[sum(LENGTHS[:episode]) + frame, 2] = value
    replace_table(root / FIRST, set_matrix(table, "action", values))


def _only(report):
    (entry,) = report.to_json()["hotfixes"]
    return entry


def test_writing_a_recorded_table_again_gives_the_same_bytes(recorded, tmp_path):
    for name in ("data/chunk-000/file-000.parquet", "meta/episodes/chunk-000/file-000.parquet"):
        copy = tmp_path / "copy.parquet"
        shutil.copy(recorded / name, copy)

        replace_table(copy, read_table(copy))

        assert copy.read_bytes() == (recorded / name).read_bytes()


def test_a_non_finite_episode_is_dropped_and_the_pixels_of_the_others_stay(root):
    _spoil(root, 1, 3, math.nan)
    pixels = np.concatenate(list(decode_camera(open_dataset(root), CAMERA, image_size=SIDE)))

    entry = _only(apply_in_place(root, [DropEpisodes()]))

    assert (entry["episodes"], entry["rows"], entry["frames"]) == ([1], LENGTHS[1], LENGTHS[1])
    assert "non-finite values: episodes 1" in entry["why"]
    assert read_info(root)["total_frames"] == sum(LENGTHS) - LENGTHS[1]
    left = np.concatenate(list(decode_camera(open_dataset(root), CAMERA, image_size=SIDE)))
    kept = np.r_[0 : LENGTHS[0], sum(LENGTHS[:2]) : sum(LENGTHS)]
    np.testing.assert_array_equal(left, pixels[kept])
    assert run_checks(root).passed


@pytest.mark.parametrize(("kept", "dropped"), [(0.0, [0, 1]), (0.5, [0, 1])])
def test_episodes_of_a_truncated_video_are_dropped(root, kept, dropped):
    content = (root / VIDEO).read_bytes()
    (root / VIDEO).write_bytes(content[: int(len(content) * kept)])

    entry = _only(apply_in_place(root, [DropEpisodes()]))

    assert entry["episodes"] == dropped
    assert not (root / VIDEO).exists()
    assert run_checks(root).passed


def test_damage_in_one_episode_of_a_video_spares_the_other(root):
    with av.open(str(root / VIDEO)) as container:
        packets = [p for p in container.demux(video=0) if p.size]
        place, size = packets[LENGTHS[0] + 2].pos, packets[LENGTHS[0] + 2].size
    content = bytearray((root / VIDEO).read_bytes())
    content[place : place + size] = bytes(size)
    (root / VIDEO).write_bytes(content)

    entry = _only(apply_in_place(root, [DropEpisodes()]))

    assert entry["episodes"] == [1]
    assert run_checks(root).passed


def test_spans_that_begin_without_a_keyframe_are_encoded_anew(tmp_path):
    file = tmp_path / "video.mp4"
    write_video(file, [20], [0], 10)

    method = cut_video(file, [range(0, 4), range(7, 20)], fps=10)

    assert method == "encoded"
    with av.open(str(file)) as container:
        lines = [f.to_ndarray(format="rgb24")[5, :, 0] for f in container.decode(video=0)]
    wanted = [ramp(0, index) for index in (*range(4), *range(7, 20))]
    assert len(lines) == len(wanted)
    assert np.abs(np.array(lines, int) - np.array(wanted, int)).max() <= 6


def test_listed_episodes_are_numbered_as_in_the_source(root):
    apply_in_place(root, [DropEpisodes(episodes=(1,))])

    entry = _only(apply_in_place(root, [DropEpisodes(episodes=(1, 3))]))

    assert read_info(root)["dropped_episodes"] == [1, 3]
    assert entry["rows"] == LENGTHS[3]
    assert [e.length for e in open_dataset(root).episodes] == [LENGTHS[i] for i in (0, 2, 4)]


def test_what_cannot_be_dropped_is_refused(root):
    with pytest.raises(DataError, match="no such episode"):
        apply_in_place(root, [DropEpisodes(episodes=(5,))])
    with pytest.raises(DataError, match="no episode would be left"):
        apply_in_place(root, [DropEpisodes(episodes=tuple(range(5)))])


def test_undeclared_files_go_unless_they_hold_the_only_rows(root):
    stray = root / "data/chunk-000/episode_000000.parquet"
    shutil.copy(root / FIRST, stray)
    entry = _only(apply_in_place(root, [DeclaredRows()]))
    assert not stray.exists()
    assert (entry["rows"], entry["episodes"]) == (LENGTHS[0] + LENGTHS[1], [0, 1])

    update_episodes(root, {0: {"data/file_index": 1}, 1: {"data/file_index": 1}})
    with pytest.raises(DataError, match=r"only rows of episodes 0, 1(.|\n)*mend_pointers"):
        apply_in_place(root, [DeclaredRows()])
    assert (root / FIRST).exists()


def test_totals_are_counted_and_missing_rows_are_not_hidden(sound, root):
    _edit_info(root, total_episodes=7, total_frames=1, splits={"train": "0:7"})
    update_episodes(root, {2: {"length": 3}})
    entry = _only(apply_in_place(root, [MendTotals()]))
    assert entry["episodes"] == [2]
    assert digest_folder(root) == digest_folder(sound)

    table = read_table(root / FIRST)
    replace_table(root / FIRST, table.slice(0, len(table) - 2))
    entry = _only(apply_in_place(root, [MendTotals()]))
    assert "episodes 1 have other numbers of rows and of video frames" in entry["why"]
    assert open_dataset(root).episodes[1].length == LENGTHS[1]


def test_missing_instructions_are_filled_and_present_ones_stay(root):
    index = pd.Index(["  ", TASKS[1]], name="task")
    pd.DataFrame({"task_index": [0, 1]}, index=index).to_parquet(root / "meta/tasks.parquet")
    update_episodes(root, {0: {"tasks": []}, 2: {"tasks": ["  "]}, 4: {"tasks": ["  "]}})

    entry = _only(apply_in_place(root, [FillTasks(tasks=("put the cube down",))]))

    assert entry["episodes"] == [0, 2, 4]
    assert open_dataset(root).tasks == TASKS
    assert run_checks(root).passed
    with pytest.raises(DataError, match="3 instructions for 2 task indices"):
        apply_in_place(root, [FillTasks(tasks=("a", "b", "c"))])


def test_a_stamped_rate_alone_is_undone_to_the_byte(sound, root):
    features = read_info(root)["features"]
    features[CAMERA]["info"]["video.fps"] = 30
    _edit_info(root, fps=30, features=features)

    apply_in_place(root, [CorrectFps(fps=10)])

    assert digest_folder(root) == digest_folder(sound)


def test_cameras_get_other_keys_everywhere(root):
    apply_in_place(root, [RenameCameras(cameras={CAMERA: "observation.images.front"})])

    assert open_dataset(root).info.cameras == ("observation.images.front",)
    assert run_checks(root).passed
    assert CAMERA not in (root / "meta/stats.json").read_text()
    with pytest.raises(DataError, match=r"no such camera(.|\n)*front"):
        apply_in_place(
            root, [RenameCameras(cameras={"observation.images.x": "observation.images.y"})]
        )


def test_legacy_joints_become_degrees_and_todays_names(sound, tmp_path):
    legacy = tmp_path / "legacy"
    make_dataset(legacy, LENGTHS, names=LEGACY_JOINTS, tasks=TASKS)

    entry = _only(apply_hotfixes(legacy, tmp_path / "fixed", [ConvertEra(to="degrees")]))

    fixed, original = open_dataset(tmp_path / "fixed"), open_dataset(sound)
    assert fixed.info.state_names == original.info.state_names
    np.testing.assert_allclose(fixed.state, original.state, atol=1e-4)
    assert entry["rows"] == sum(LENGTHS)
    assert run_checks(tmp_path / "fixed").passed
    stats = json.loads((tmp_path / "fixed/meta/stats.json").read_text())
    np.testing.assert_allclose(stats["action"]["mean"], original.action.mean(axis=0), atol=1e-3)


def test_an_era_that_does_not_show_must_be_said(root):
    with pytest.raises(DataError, match=r"cannot be told(.|\n)*from: legacy_degrees"):
        apply_in_place(root, [ConvertEra(to="legacy_degrees")])


def test_renaming_legacy_joints_keeps_their_era_known(tmp_path):
    root = tmp_path / "legacy"
    make_dataset(root, LENGTHS, names=LEGACY_JOINTS)

    apply_in_place(root, [RenameJoints()])

    assert read_info(root)[ERA_KEY] == "legacy_degrees"
    entry = _only(apply_in_place(root, [ConvertEra(to="degrees")]))
    assert entry["rows"] == sum(LENGTHS)


def test_statistics_are_those_of_the_train_split(root):
    entry = _only(apply_in_place(root, [RecomputeStatistics(held_out=1, seed=3)]))

    stats = json.loads((root / "meta/stats.json").read_text())
    (count,) = stats["action"]["count"]
    (left_out,) = [i for i, length in enumerate(LENGTHS) if sum(LENGTHS) - length == count]
    dataset = open_dataset(root)
    rows = dataset.action[dataset.episode_index != left_out].astype(np.float64)
    np.testing.assert_allclose(stats["action"]["q99"], np.quantile(rows, 0.99, axis=0))
    np.testing.assert_allclose(stats["action"]["std"], rows.std(axis=0))
    assert np.shape(stats[CAMERA]["q01"]) == (3, 1, 1)
    assert "4 of 5 episodes" in entry["why"]


def test_statistics_of_values_that_are_no_numbers_are_refused(root):
    _spoil(root, 0, 0, math.inf)
    with pytest.raises(DataError, match="drop_episodes"):
        apply_in_place(root, [RecomputeStatistics()])


def test_a_failure_leaves_the_target_as_it_was(root, tmp_path):
    target = tmp_path / "target"
    target.mkdir()
    (target / "mine").write_text("kept")

    with pytest.raises(DataError):
        apply_hotfixes(root, target, [DropEpisodes(episodes=(99,))])
    assert (target / "mine").read_text() == "kept"
    with pytest.raises(DataError, match="into or over its source"):
        apply_hotfixes(root, root / "fixed", [])
    with pytest.raises(DataError, match="no dataset here"):
        apply_hotfixes(tmp_path / "nowhere", target, [])


def test_the_report_names_settings_as_the_configuration_does(root, tmp_path):
    fixes = [ConvertEra(to="degrees", source="degrees"), RestampTimestamps()]

    entries = apply_hotfixes(root, tmp_path / "fixed", fixes).to_json()["hotfixes"]

    assert [entry["hotfix"] for entry in entries] == ["restamp_timestamps", "convert_era"]
    assert entries[1]["settings"]["from"] == "degrees"
    assert entries[0]["after"] == entries[1]["before"]


def test_suggestions_mend_what_needs_no_knowledge(root):
    _edit_info(root, total_frames=1)
    _spoil(root, 0, 0, math.nan)
    table = read_table(root / FIRST)
    replace_table(root / FIRST, table.take(pa.array([*range(len(table)), 2])))

    suggested = suggest_hotfixes(run_checks(root))

    assert {DeclaredRows(), MendTotals(), DropEpisodes()} <= set(suggested)
    apply_in_place(root, suggested)
    assert run_checks(root).passed


def test_nothing_is_suggested_for_a_sound_dataset(sound):
    assert suggest_hotfixes(run_checks(sound)) == ()
    assert MendPointers() not in suggest_hotfixes(run_checks(sound))
