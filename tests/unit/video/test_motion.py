from __future__ import annotations

import cv2
import numpy as np
import pytest

from fedarm.video.decoding import read_clip
from fedarm.video.motion import flow_between, measure_motion

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


@pytest.mark.parametrize("shift", [(0, 0), (1, 0), (0.5, 0.25), (2.5, -1), (-4, 3), (6, 0)])
def test_known_shifts_are_measured_within_an_eighth_of_a_pixel(texture, shift):
    flow = flow_between(_view(texture, 0, 0), _view(texture, *shift))

    assert np.abs(flow.mean((0, 1)) - shift).max() < 0.12


def test_speed_and_path_of_a_steady_shift(texture):
    """2 px a frame at 30 frames/s for 9 steps: 60 px/s and 18 px."""
    luma = np.stack([_view(texture, 2 * index, 0) for index in range(10)])

    motion = measure_motion(luma, 30.0)

    assert motion.speed_px_per_s.shape == (9,)
    assert motion.speed_px_per_s == pytest.approx(np.full(9, 60.0), rel=0.06)
    assert motion.path_length_px == pytest.approx(18.0, rel=0.06)
    assert motion.idle_share == 0.0


def test_a_single_frame_is_idle(texture):
    motion = measure_motion(_view(texture, 0, 0)[None], 30.0)

    assert motion.idle_share == 1.0
    assert motion.path_length_px == 0.0


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
    clip = read_clip(write_video(tmp_path / "a.mp4", frames, crf=23))

    assert measure_motion(clip.luma, clip.fps).idle_share == pytest.approx(share, abs=0.06)
