from __future__ import annotations

import numpy as np
import pytest

from fedarm.video.decoding import open_reader
from fedarm.video.quality import black_findings, is_short

from .drawing import write_video


def test_black_frames_of_an_encoded_video_are_counted(tmp_path):
    black = np.zeros((64, 64, 3), np.uint8)
    dark = np.full((64, 64, 3), 12, np.uint8)
    file = write_video(tmp_path / "a.mp4", [black] * 3 + [dark] * 9)

    with open_reader(file) as reader:
        luma = np.array([frame.luma.mean() for frame in reader])
    assert luma[0] == 16
    (finding,) = black_findings(luma)
    assert (finding.first_frame, finding.frames) == (0, 3)


@pytest.mark.parametrize(("duration_s", "short"), [(3.0, False), (2.85, False), (2.7, True)])
def test_a_video_shorter_than_its_record(duration_s, short):
    assert is_short(duration_s, 3.0) is short
