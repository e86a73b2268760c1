from __future__ import annotations

import json

import numpy as np
import pytest

from fedarm.data.dataset import open_dataset
from fedarm.data.decoding import decode_camera
from fedarm.data.frame_cache import build_frame_cache, open_frame_cache
from fedarm.errors import DataError

from .recording import FRONT, JOINTS, LENGTHS, WRIST


@pytest.fixture(scope="module")
def cache_root(recorded, tmp_path_factory):
    out = tmp_path_factory.mktemp("cache") / "cache"
    build_frame_cache(recorded, out, image_size=64)
    return out


@pytest.fixture
def damaged(recorded, tmp_path):
    build_frame_cache(recorded, tmp_path / "cache", image_size=32)
    return tmp_path / "cache"


def test_holds_the_dataset(recorded, cache_root):
    dataset = open_dataset(recorded)
    cached = open_frame_cache(cache_root)

    assert len(cached) == sum(LENGTHS)
    assert cached.fps == 10
    assert cached.robot_type == "so101_follower"
    assert cached.cameras == (FRONT, WRIST)
    assert cached.state_names == cached.action_names == JOINTS
    assert cached.tasks == dataset.tasks
    assert cached.frames.shape == (sum(LENGTHS), 2, 64, 64, 3)
    for name in ("state", "action", "episode_index", "frame_index", "task_index", "timestamp"):
        np.testing.assert_array_equal(getattr(cached, name), getattr(dataset, name))
    for position, camera in enumerate(cached.cameras):
        decoded = np.concatenate(list(decode_camera(dataset, camera, image_size=64)))
        np.testing.assert_array_equal(cached.frames[:, position], decoded)


def test_knows_its_episodes(cache_root):
    cached = open_frame_cache(cache_root)

    assert cached.episodes == (0, 1, 2, 3)
    assert cached.episode_tasks == (0, 1, 0, 1)
    assert cached.episode_starts.tolist() == [0, 9, 21, 28]
    assert cached.episode_ends.tolist() == [9, 21, 28, 38]
    assert cached.rows_of([2, 0]).tolist() == [*range(9), *range(21, 28)]


def test_an_unknown_episode_is_refused(cache_root):
    with pytest.raises(DataError, match=r"no such episodes(.|\n)*\[4\]"):
        open_frame_cache(cache_root).rows_of([0, 4])


def test_chunks_stop_at_the_end_of_the_episode(cache_root):
    cached = open_frame_cache(cache_root)

    chunk, is_pad = cached.chunks(np.array([7, 9]), 4)

    np.testing.assert_array_equal(chunk[0], cached.action[[7, 8, 8, 8]])
    np.testing.assert_array_equal(chunk[1], cached.action[[9, 10, 11, 12]])
    assert is_pad.tolist() == [[False, False, True, True], [False] * 4]


def test_items_equal_those_of_lerobot(recorded, cache_root):
    """Pixels, states, action chunks and padding, for every frame of the dataset."""
    from lerobot.datasets.lerobot_dataset import LeRobotDataset

    horizon = 8
    stock = LeRobotDataset(
        "fedarm/test",
        root=recorded,
        delta_timestamps={"action": [step / 10 for step in range(horizon)]},
        video_backend="pyav",
        return_uint8=True,
    )
    cached = open_frame_cache(cache_root)
    chunks, is_pad = cached.chunks(np.arange(len(cached)), horizon)

    assert len(stock) == len(cached)
    for row in range(len(stock)):
        item = stock[row]
        for position, camera in enumerate(cached.cameras):
            pixels = item[camera].permute(1, 2, 0).numpy()
            np.testing.assert_array_equal(cached.frames[row, position], pixels)
        np.testing.assert_array_equal(cached.state[row], item["observation.state"].numpy())
        np.testing.assert_array_equal(chunks[row], item["action"].numpy())
        np.testing.assert_array_equal(is_pad[row], item["action_is_pad"].numpy())
        assert cached.tasks[cached.task_index[row]] == item["task"]


def test_building_twice_gives_the_same_bytes(recorded, cache_root, tmp_path):
    build_frame_cache(recorded, tmp_path / "again", image_size=64)

    for file in ("frames.npy", "columns.npz", "manifest.json"):
        assert (tmp_path / "again" / file).read_bytes() == (cache_root / file).read_bytes()


def test_frames_cannot_be_written(cache_root):
    with pytest.raises(ValueError, match="read-only"):
        open_frame_cache(cache_root).frames[0] = 0


def test_doubled_rows_are_refused_and_nothing_is_left(dataset_root, edit_rows, tmp_path):
    def double_first(columns):
        for values in columns.values():
            values.insert(0, values[0])

    edit_rows(double_first)

    with pytest.raises(DataError, match=r"rows are not those(.|\n)*39 rows, 38 declared"):
        build_frame_cache(dataset_root, tmp_path / "cache", image_size=64)
    assert [path.name for path in tmp_path.iterdir()] == ["dataset"]


def test_a_truncated_video_leaves_nothing(dataset_root, tmp_path):
    video = dataset_root / open_dataset(dataset_root).episodes[0].videos[WRIST].file
    video.write_bytes(video.read_bytes()[:2000])

    with pytest.raises(DataError, match="not a readable video"):
        build_frame_cache(dataset_root, tmp_path / "cache", image_size=64)
    assert [path.name for path in tmp_path.iterdir()] == ["dataset"]


def test_a_truncated_cache_is_refused(damaged):
    frames = damaged / "frames.npy"
    frames.write_bytes(frames.read_bytes()[:-1])

    with pytest.raises(DataError, match=r"truncated(.|\n)*frames.npy(.|\n)*build the cache again"):
        open_frame_cache(damaged)


def test_changed_columns_are_refused(damaged):
    columns = damaged / "columns.npz"
    columns.write_bytes(columns.read_bytes() + b"\0")

    with pytest.raises(DataError, match=r"changed(.|\n)*columns.npz"):
        open_frame_cache(damaged)


@pytest.mark.parametrize("content", [None, "{", "[]", "{}", json.dumps({"schema_version": 99})])
def test_a_foreign_folder_is_refused(damaged, content):
    manifest = damaged / "manifest.json"
    manifest.unlink() if content is None else manifest.write_text(content)

    with pytest.raises(DataError, match="not a frame cache"):
        open_frame_cache(damaged)
