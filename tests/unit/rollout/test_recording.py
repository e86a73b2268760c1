"""Videos have the frames that were written, play in browsers, and have the same bytes each time."""

import av
import numpy as np
import pytest

from fedarm.errors import VideoError
from fedarm.rollout.recording import VIDEO_FPS, open_video


def write_moving_square(path, *, frames=20, size=64):
    with open_video(path, size=size) as writer:
        for index in range(frames):
            frame = np.full((size, size, 3), 180, np.uint8)
            frame[20:30, index : index + 10] = (200, 30, 30)
            writer.write(frame)


def test_video_has_its_frames_size_and_rate(tmp_path):
    file = tmp_path / "square.mp4"
    write_moving_square(file)
    with av.open(str(file)) as container:
        stream = container.streams.video[0]
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)]
        assert stream.codec_context.name == "h264"
        assert stream.codec_context.pix_fmt == "yuv420p"
        assert stream.average_rate == VIDEO_FPS
        assert stream.frames == len(frames) == 20
        assert float(stream.duration * stream.time_base) == pytest.approx(20 / VIDEO_FPS)
    assert frames[0].shape == (64, 64, 3)
    red = frames[10].astype(int)
    columns = np.nonzero(red[25, :, 0] - red[25, :, 1] > 80)[0]
    assert columns.mean() == pytest.approx(14.5, abs=1.5)


def test_still_frame_is_repeated(tmp_path):
    file = tmp_path / "still.mp4"
    with open_video(file, size=64) as writer:
        writer.write(np.zeros((64, 64, 3), np.uint8), times=7)
        assert writer.frames == 7
    with av.open(str(file)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 7


def test_same_frames_give_the_same_bytes(tmp_path):
    """Whatever was in memory before: on some processors parts of x264 read what they have not set."""
    rng = np.random.default_rng(0)
    wood = np.repeat(rng.integers(90, 160, (240, 60, 3)), 8, axis=1).astype(np.uint8)
    written = set()
    for turn in range(4):
        rubbish = [
            rng.integers(0, 256, rng.integers(1_000, 300_000), dtype=np.uint8) for _ in range(60)
        ]
        file = tmp_path / f"{turn}.mp4"
        with open_video(file, size=240) as writer:
            for index in range(60):
                rubbish[index] = np.empty(0, np.uint8)
                frame = wood[:, index : index + 240].copy()
                frame[100:140, 100 + index : 140 + index] = (200, 30, 30)
                writer.write(frame)
        written.add(file.read_bytes())
    assert len(written) == 1


def test_index_comes_before_the_data(tmp_path):
    """A browser starts to play at once only then."""
    file = tmp_path / "square.mp4"
    write_moving_square(file)
    content = file.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")


def test_odd_size_is_refused(tmp_path):
    with (
        pytest.raises(VideoError, match=r"video_size(.|\n)*65"),
        open_video(tmp_path / "odd.mp4", size=65),
    ):
        pass
    assert not list(tmp_path.iterdir())


def test_failed_recording_leaves_nothing(tmp_path):
    wrong_type = np.zeros((64, 64, 3), np.float32)
    with pytest.raises(ValueError), open_video(tmp_path / "a.mp4", size=64) as writer:  # noqa: PT011
        writer.write(wrong_type)
    assert not list(tmp_path.iterdir())
