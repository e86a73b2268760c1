from __future__ import annotations

import av
import numpy as np
import pytest

from fedarm.errors import VideoError
from fedarm.video.decoding import TruncatedError, open_reader

from .drawing import write_video


def _ramp(frames):
    """Frames of one grey each, so that every frame can be told from its neighbours."""
    return [np.full((48, 80, 3), 40 + 5 * index, np.uint8) for index in range(frames)]


def read(file):
    """Return every luma plane, copied, and the last frame."""
    with open_reader(file) as reader:
        luma = np.stack([frame.luma for frame in reader])
        return luma, reader.last_rgb()


def test_reads_every_frame_in_order(tmp_path):
    file = write_video(tmp_path / "a.mp4", _ramp(20), fps=25)
    luma, last_rgb = read(file)
    with open_reader(file) as reader:
        times = [frame.time_s for frame in reader]

    assert luma.shape == (20, 48, 80)
    assert (reader.fps, reader.width, reader.height, reader.codec) == (25, 80, 48, "h264")
    assert times == pytest.approx(np.arange(20) / 25)
    # Limited range, BT.601: 16 + grey * 219 / 255.
    expected = 16 + (40 + 5 * np.arange(20)) * 219 / 255
    assert np.abs(luma.mean((1, 2)) - expected).max() < 1.0
    assert np.abs(last_rgb.astype(int) - (40 + 5 * 19)).max() <= 3


def test_frames_that_are_kept_do_not_change(tmp_path):
    """They are views of the decoder's buffers, which must not be used again while one lives."""
    with open_reader(write_video(tmp_path / "a.mp4", _ramp(30))) as reader:
        kept, copies = zip(*((f.luma, f.luma.copy()) for f in reader), strict=True)

    assert all(np.array_equal(one, two) for one, two in zip(kept, copies, strict=True))


def test_rows_are_not_mixed_with_their_padding(tmp_path):
    """A width that is no multiple of 32 makes the decoder pad its rows."""
    frame = np.zeros((48, 70, 3), np.uint8)
    frame[:, 35:] = 200
    luma, _ = read(write_video(tmp_path / "a.mp4", [frame] * 3))

    assert luma.shape == (3, 48, 70)
    assert luma[:, :, :33].max() < 60
    assert luma[:, :, 37:].min() > 150


def test_av1_is_read(tmp_path):
    """LeRobot's default codec, of which OpenCV reads no frame."""
    file = tmp_path / "a.mp4"
    with av.open(str(file), "w") as container:
        stream = container.add_stream("libsvtav1", rate=30)
        stream.width, stream.height, stream.pix_fmt = 80, 64, "yuv420p"
        for grey in (50, 100, 150):
            image = np.full((64, 80, 3), grey, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())

    luma, _ = read(file)
    assert len(luma) == 3


@pytest.mark.parametrize("header_first", [True, False])
@pytest.mark.parametrize("kept", [0.3, 0.6, 0.97])
def test_a_truncated_video_is_refused(tmp_path, header_first, kept):
    rng = np.random.default_rng(0)
    frames = [rng.integers(0, 255, (64, 64, 3), dtype=np.uint8) for _ in range(30)]
    file = write_video(tmp_path / "a.mp4", frames, header_first=header_first)
    content = file.read_bytes()
    file.write_bytes(content[: int(len(content) * kept)])

    with pytest.raises(TruncatedError, match=r"truncated(.|\n)*a\.mp4") as caught:
        read(file)
    assert str(tmp_path) not in str(caught.value).splitlines()[0]


def test_a_video_with_a_damaged_middle_is_refused(tmp_path):
    rng = np.random.default_rng(0)
    frames = [rng.integers(0, 255, (64, 64, 3), dtype=np.uint8) for _ in range(30)]
    file = write_video(tmp_path / "a.mp4", frames)
    content = bytearray(file.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 4000] = bytes(4000)
    file.write_bytes(content)

    with pytest.raises(VideoError, match=r"not a readable video|truncated"):
        read(file)


def test_a_missing_an_empty_and_a_foreign_file_are_refused(tmp_path):
    file = tmp_path / "a.mp4"
    with pytest.raises(VideoError, match="missing"):
        read(file)
    file.write_bytes(b"")
    with pytest.raises(VideoError, match="0 bytes"):
        read(file)
    file.write_text("not a video")
    with pytest.raises(VideoError, match="not a readable video"):
        read(file)


def test_a_sound_file_is_refused(tmp_path):
    """An audio file can be opened and has nothing to see."""
    file = tmp_path / "a.wav"
    with av.open(str(file), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())

    with pytest.raises(VideoError, match="no video stream"):
        read(file)
