from __future__ import annotations

import json
from dataclasses import replace

import av
import numpy as np
import pyarrow.parquet as pq
import pytest

from fedarm.data.dataset import open_dataset
from fedarm.data.decoding import decode_camera, decode_episode, read_frames
from fedarm.errors import DataError

from .recording import FRONT, LENGTHS, WRIST


def _front_video(root):
    return root / open_dataset(root).episodes[0].videos[FRONT].file


@pytest.mark.parametrize("camera", [FRONT, WRIST])
def test_chunks_hold_every_frame_whatever_their_size(recorded, camera):
    dataset = open_dataset(recorded)
    small = list(decode_camera(dataset, camera, image_size=64, chunk_frames=5))
    whole = list(decode_camera(dataset, camera, image_size=64, chunk_frames=1000))

    assert [len(chunk) for chunk in small] == [5] * 7 + [3]
    assert len(whole) == 1
    assert whole[0].shape == (sum(LENGTHS), 64, 64, 3)
    np.testing.assert_array_equal(np.concatenate(small), whole[0])


def test_frames_follow_the_recorded_motion(recorded):
    """The recorded block's left edge moves by 4 pixels a frame and starts again each episode."""
    frames = np.concatenate(list(decode_camera(open_dataset(recorded), FRONT, image_size=64)))
    background = np.array([60, 70, 80])
    moving = np.abs(frames[:, 26].astype(int) - background).sum(axis=2) > 30
    edges = [int(np.flatnonzero(row)[0]) if row.any() else None for row in moving]

    expected = [4 * index for length in LENGTHS for index in range(length)]
    seen = [(edge, want) for edge, want in zip(edges, expected, strict=True) if edge is not None]
    assert len(seen) > 30
    assert all(abs(edge - want) <= 1 for edge, want in seen)


@pytest.mark.parametrize("camera", [FRONT, WRIST])
def test_an_episode_alone_has_the_frames_that_it_has_among_the_others(recorded, camera):
    dataset = open_dataset(recorded)
    everything = np.concatenate(list(decode_camera(dataset, camera, image_size=64)))
    first = 0
    for episode in dataset.episodes:
        alone = np.stack(list(decode_episode(dataset, episode, camera)))
        np.testing.assert_array_equal(alone, everything[first : first + episode.length])
        first += episode.length


def test_an_episode_that_its_video_does_not_hold_is_named(recorded):
    dataset = open_dataset(recorded)
    last = dataset.episodes[-1]
    with pytest.raises(DataError, match="does not hold the frames") as refused:
        list(decode_episode(dataset, replace(last, length=last.length + 5), FRONT))
    assert f"episode {last.index}" in str(refused.value)


def test_scaling_averages_areas(recorded):
    dataset = open_dataset(recorded)
    full = next(decode_camera(dataset, FRONT, image_size=64))
    half = next(decode_camera(dataset, FRONT, image_size=32))

    means = full.reshape(len(full), 32, 2, 32, 2, 3).mean(axis=(2, 4))
    assert np.abs(half - means).max() <= 0.5


@pytest.mark.parametrize("kept", [0.0, 0.3, 0.95])
def test_a_truncated_video_is_named(dataset_root, kept):
    file = _front_video(dataset_root)
    content = file.read_bytes()
    file.write_bytes(content[: int(len(content) * kept)])

    with pytest.raises(DataError, match=rf"video(.|\n)*{file.name}(.|\n)*remedy"):
        list(decode_camera(open_dataset(dataset_root), FRONT, image_size=64))


def test_a_damaged_video_is_named(dataset_root):
    file = dataset_root / open_dataset(dataset_root).episodes[0].videos[WRIST].file
    content = bytearray(file.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 4000] = bytes(4000)
    file.write_bytes(content)

    with pytest.raises(DataError, match=rf"(damaged|not a readable video)(.|\n)*{file.name}"):
        list(read_frames(file))


def test_a_missing_video_is_named(dataset_root):
    file = _front_video(dataset_root)
    file.unlink()

    with pytest.raises(DataError, match=rf"missing(.|\n)*{file.name}"):
        list(read_frames(file))


def test_a_video_with_fewer_frames_is_refused(dataset_root):
    _write_video(_front_video(dataset_root), frames=sum(LENGTHS) - 1, fps=10)

    with pytest.raises(DataError, match=r"37 decoded, 38 declared"):
        list(decode_camera(open_dataset(dataset_root), FRONT, image_size=64))


def test_a_video_with_more_frames_is_refused(dataset_root):
    _write_video(_front_video(dataset_root), frames=sum(LENGTHS) + 2, fps=10)

    with pytest.raises(DataError, match=r"40 decoded, 38 declared"):
        list(decode_camera(open_dataset(dataset_root), FRONT, image_size=64))


def test_a_video_at_another_rate_is_refused(dataset_root):
    _write_video(_front_video(dataset_root), frames=sum(LENGTHS), fps=30)

    with pytest.raises(DataError, match="constant rate of 10 frames/s"):
        list(decode_camera(open_dataset(dataset_root), FRONT, image_size=64))


def test_spans_that_overlap_are_refused(dataset_root):
    file = dataset_root / "meta/episodes/chunk-000/file-000.parquet"
    table = pq.read_table(file)
    key = f"videos/{FRONT}/from_timestamp"
    starts = table[key].to_pylist()
    starts[1] -= 0.2
    position = table.schema.get_field_index(key)
    pq.write_table(table.set_column(position, key, [starts]), file)

    with pytest.raises(DataError, match="do not follow one another"):
        list(decode_camera(open_dataset(dataset_root), FRONT, image_size=64))


def test_a_file_that_is_no_video_is_refused(tmp_path):
    file = tmp_path / "file-000.mp4"
    file.write_text(json.dumps({"not": "a video"}))

    with pytest.raises(DataError, match="not a readable video"):
        list(read_frames(file))


def _write_video(file, *, frames, fps):
    with av.open(str(file), "w") as container:
        stream = container.add_stream("libx264", rate=fps)
        stream.width = stream.height = 64
        for _ in range(frames):
            image = np.zeros((64, 64, 3), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
