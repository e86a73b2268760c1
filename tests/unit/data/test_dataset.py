from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fedarm.data.dataset import open_dataset
from fedarm.errors import DataError

from .recording import DATA_FILE, FRONT, JOINTS, LENGTHS, TASKS, WRIST


def test_reads_what_was_recorded(recorded):
    dataset = open_dataset(recorded)

    assert dataset.info.fps == 10
    assert dataset.info.robot_type == "so101_follower"
    assert dataset.info.state_names == dataset.info.action_names == JOINTS
    assert dataset.info.image_shapes == {FRONT: (64, 64, 3), WRIST: (64, 64, 3)}
    assert dataset.info.cameras == (FRONT, WRIST)
    assert tuple(episode.length for episode in dataset.episodes) == LENGTHS
    assert tuple(episode.tasks for episode in dataset.episodes) == tuple((t,) for t in TASKS)
    assert dataset.tasks == ("put the cube down", "stack the cubes")
    assert dataset.state.shape == dataset.action.shape == (sum(LENGTHS), 6)
    np.testing.assert_array_equal(dataset.episode_index, np.repeat(range(4), LENGTHS))
    np.testing.assert_array_equal(dataset.frame_index[:9], range(9))
    np.testing.assert_array_equal(dataset.task_index, np.repeat([0, 1, 0, 1], LENGTHS))
    np.testing.assert_allclose(dataset.timestamp, dataset.frame_index / 10, atol=1e-6)


def test_the_recording_covers_several_video_files(recorded):
    spans = [episode.videos[WRIST] for episode in open_dataset(recorded).episodes]

    assert len({span.file for span in spans}) > 1


def test_files_that_the_metadata_does_not_name_are_not_read(dataset_root):
    stray = dataset_root / "data/chunk-000/episode_000000.parquet"
    shutil.copy(dataset_root / DATA_FILE, stray)

    assert len(open_dataset(dataset_root).state) == sum(LENGTHS)


def test_reads_task_strings_under_their_old_name(dataset_root):
    file = dataset_root / "meta/tasks.parquet"
    table = pq.read_table(file).rename_columns({"task": "__index_level_0__"})
    pq.write_table(table, file)

    assert open_dataset(dataset_root).tasks == ("put the cube down", "stack the cubes")


def test_a_folder_without_metadata_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"not a LeRobot dataset(.|\n)*meta/info.json(.|\n)*remedy"):
        open_dataset(tmp_path)


def test_broken_json_is_refused(dataset_root):
    (dataset_root / "meta/info.json").write_text('{"fps": 10')

    with pytest.raises(DataError, match="not valid JSON"):
        open_dataset(dataset_root)


def test_another_format_version_is_refused(dataset_root, edit_info):
    edit_info(codebase_version="v2.1")

    with pytest.raises(DataError, match=r"codebase_version(.|\n)*'v2.1'(.|\n)*convert_dataset"):
        open_dataset(dataset_root)


@pytest.mark.parametrize("fps", [0, "10", None, True])
def test_a_senseless_fps_is_refused(dataset_root, edit_info, fps):
    edit_info(fps=fps)

    with pytest.raises(DataError, match="fps"):
        open_dataset(dataset_root)


@pytest.mark.parametrize(
    "file", [DATA_FILE, "meta/tasks.parquet", "meta/episodes/chunk-000/file-000.parquet"]
)
def test_a_missing_file_is_named(dataset_root: Path, file: str):
    (dataset_root / file).unlink()

    with pytest.raises(DataError, match=f"missing(.|\n)*{Path(file).parts[1].split('.')[0]}"):
        open_dataset(dataset_root)


@pytest.mark.parametrize("kept", [0, 100, 0.5])
def test_a_truncated_parquet_is_named(dataset_root, kept):
    file = dataset_root / DATA_FILE
    content = file.read_bytes()
    file.write_bytes(content[: kept if isinstance(kept, int) else int(len(content) * kept)])

    with pytest.raises(DataError, match=r"not a readable parquet file(.|\n)*file-000.parquet"):
        open_dataset(dataset_root)


def test_a_missing_column_is_named(dataset_root):
    file = dataset_root / DATA_FILE
    pq.write_table(pq.read_table(file).drop_columns(["timestamp"]), file)

    with pytest.raises(DataError, match=r"column is missing(.|\n)*timestamp"):
        open_dataset(dataset_root)


@pytest.mark.parametrize("value", [[[1.0, 2.0, 3.0]], [1.0]])
def test_states_of_another_width_are_refused(dataset_root, value):
    file = dataset_root / DATA_FILE
    table = pq.read_table(file)
    position = table.schema.get_field_index("observation.state")
    column = pa.array(value * len(table))
    pq.write_table(table.set_column(position, "observation.state", column), file)

    with pytest.raises(DataError, match=r"observation\.state"):
        open_dataset(dataset_root)


def test_a_dataset_without_episodes_is_refused(dataset_root):
    file = dataset_root / "meta/episodes/chunk-000/file-000.parquet"
    pq.write_table(pq.read_table(file).slice(0, 0), file)

    with pytest.raises(DataError, match="has no episode"):
        open_dataset(dataset_root)


@pytest.mark.parametrize(
    ("key", "feature", "message"),
    [
        ("action", {"dtype": "float32", "shape": [6], "names": ["a", "b"]}, r"features\.action"),
        (FRONT, {"dtype": "image", "shape": [64, 64, 3]}, "single images"),
        (FRONT, {"dtype": "video", "shape": [64, 64]}, "height, width, 3"),
        (FRONT, None, "wrong type"),
    ],
)
def test_senseless_features_are_refused(dataset_root, edit_info, key, feature, message):
    info = json.loads((dataset_root / "meta/info.json").read_text())
    edit_info(features=info["features"] | {key: feature})

    with pytest.raises(DataError, match=message):
        open_dataset(dataset_root)


def test_nested_joint_names_are_read(dataset_root, edit_info):
    info = json.loads((dataset_root / "meta/info.json").read_text())
    nested = info["features"]["action"] | {"names": {"motors": list(JOINTS)}}
    edit_info(features=info["features"] | {"action": nested})

    assert open_dataset(dataset_root).info.action_names == JOINTS
