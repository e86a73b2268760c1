from __future__ import annotations

import cv2
import numpy as np
import pytest

from fedarm.video.decoding import Frame, open_reader
from fedarm.video.motion import Motion, measure_motion
from fedarm.video.signals import collect_signals
from fedarm.video.smoothness import sparc
from fedarm.video.timing import read_timing

from .drawing import write_video


@pytest.fixture(scope="module")
def texture():
    noise = np.random.default_rng(0).normal(size=(320, 320)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 3)
    low, high = smooth.min(), smooth.max()
    return (20 + 200 * (smooth - low) / (high - low)).astype(np.float32)


def _view(texture, dx, dy):
    moved = cv2.warpAffine(
        texture, np.float32([[1, 0, dx], [0, 1, dy]]), (320, 320), flags=cv2.INTER_CUBIC
    )
    return np.clip(moved[48:272, 48:272], 0, 255).astype(np.uint8)


def _signals(pictures):
    frames = [Frame(picture, index / 30) for index, picture in enumerate(pictures)]
    return collect_signals(frames, width_px=pictures[0].shape[1])


def _motion(signals):
    return measure_motion(signals, read_timing(signals.time_s, 30.0))


@pytest.mark.parametrize("shift", [(0, 0), (1, 0), (0.5, 0.25), (2.5, -1), (-4, 3), (6, 0)])
def test_known_shifts_are_measured_within_an_eighth_of_a_pixel(texture, shift):
    signals = _signals([_view(texture, 0, 0), _view(texture, *shift)])

    assert signals.shift_px[0] == pytest.approx(np.hypot(*shift), abs=0.125)


def test_agreement_tells_going_on_from_turning_back(texture):
    signals = _signals([_view(texture, dx, 0) for dx in (0, 2, 4, 2)])

    assert signals.agreement[1] > 0.95
    assert signals.agreement[2] < -0.95


def test_speed_and_path_of_a_steady_shift(texture):
    """2 px a frame at 30 frames/s for 9 steps: 60 px/s and 18 px."""
    motion = _motion(_signals([_view(texture, 2 * index, 0) for index in range(10)]))

    assert motion.speed_px_per_s.shape == (9,)
    assert motion.speed_px_per_s == pytest.approx(np.full(9, 60.0), rel=0.06)
    assert motion.path_length_px == pytest.approx(18.0, rel=0.06)
    assert motion.idle_share == 0.0


def test_smoothness_of_a_minimum_jerk_path_that_is_filmed(texture):
    """The reach whose SPARC is -1.406, 40 px in a second at 100 frames/s, read from its pictures.

    Its steps are 0.4 px on average, and the flow overestimates those: see the next test.
    """
    t = np.arange(0, 1.001, 0.01)
    path = 40 * (10 * t**3 - 15 * t**4 + 6 * t**5)
    signals = _signals([_view(texture, x, 0) for x in path])

    assert sparc(signals.shift_px * 100, 100.0) == pytest.approx(-1.406, abs=0.03)
    assert 40 <= signals.shift_px.sum() <= 1.2 * 40


@pytest.mark.parametrize(
    ("shift", "low", "high"),
    [(0.2, 1.0, 1.2), (0.4, 1.0, 1.2), (1.6, 0.97, 1.05), (3.2, 0.95, 1.02)],
)
def test_slow_motion_is_overestimated_by_at_most_a_fifth(texture, shift, low, high):
    """So is it by the method's own fastest preset at full resolution: it is no cost of the reduction."""
    signals = _signals([_view(texture, shift * index, 0) for index in range(8)])

    assert low <= signals.shift_px.mean() / shift <= high


def test_speed_at_even_intervals():
    """Frames at 0, 0.1, 0.2, 0.4: between them 1, 1 and 2 px, that is 10 px/s throughout."""
    times = np.array([0.0, 0.1, 0.2, 0.4, 0.5])
    motion = Motion(times[:-1], np.array([10.0, 10.0, 10.0, 20.0]), np.zeros(4, bool), 0.0)

    assert motion.even_speed(10.0) == pytest.approx([10, 10, 10, 15, 20])


def test_a_single_frame_is_idle(texture):
    motion = _motion(_signals([_view(texture, 0, 0)]))

    assert motion.idle_share == 1.0
    assert motion.path_length_px == 0.0


@pytest.mark.parametrize("size", [(8, 8), (20, 300), (300, 20), (33, 47), (128, 129)])
def test_pictures_of_any_shape_are_measured(size):
    """On pictures that are a few pixels high, OpenCV's flow ends the process."""
    noise = np.random.default_rng(0).integers(0, 255, size, dtype=np.uint8)

    assert np.isfinite(_signals([noise, np.roll(noise, 1, axis=1)]).shift_px).all()


def test_the_number_of_threads_does_not_matter(texture):
    views = [_view(texture, 1.7 * index, index) for index in range(4)]
    before = cv2.getNumThreads()
    found = []
    try:
        for threads in (1, 4):
            cv2.setNumThreads(threads)
            found.append(_signals(views).shift_px.tobytes())
            assert cv2.getNumThreads() == threads
    finally:
        cv2.setNumThreads(before)

    assert found[0] == found[1]


@pytest.mark.parametrize(("still", "share"), [(0, 0.0), (30, 0.5), (59, 1.0)])
def test_idle_share_of_an_encoded_video(tmp_path, still, share):
    """A square a tenth of the picture wide moves at 1 px a frame, then stops; h264 adds its noise."""
    rng = np.random.default_rng(1)
    floor = np.clip(rng.normal(150, 3, (224, 224, 3)), 0, 255).astype(np.uint8)
    frames = []
    for index in range(60):
        frame = floor.copy()
        left = 20 + min(index, 59 - still)
        frame[80:140, left : left + 60] = (190, 40, 40)
        frames.append(frame)
    with open_reader(write_video(tmp_path / "a.mp4", frames, crf=23)) as reader:
        signals = collect_signals(reader, width_px=reader.width)

    assert _motion(signals).idle_share == pytest.approx(share, abs=0.06)
