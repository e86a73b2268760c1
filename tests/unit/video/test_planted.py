"""Every planted defect is found, by its name and in its place, and sound videos raise no alarm."""

from __future__ import annotations

import json
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from fedarm.video.measurement import measure_video

from .drawing import write_video

SIZE, FRAMES = 96, 60
AT = 30


def _scene(index, *, seed=0, size=SIZE):
    """A textured square that circles steadily over a textured floor."""
    rng = np.random.default_rng(seed)
    floor = cv2.resize(rng.integers(60, 180, (12, 12, 3), dtype=np.uint8), (size, size))
    block = cv2.resize(rng.integers(0, 255, (4, 4, 3), dtype=np.uint8), (size // 3, size // 3))
    angle = 2 * np.pi * index / FRAMES
    middle = size / 3 + size / 4 * np.array([np.cos(angle), np.sin(angle)])
    matrix = np.float32([[1, 0, middle[0]], [0, 1, middle[1]]])
    return cv2.warpAffine(block, matrix, (size, size), floor, borderMode=cv2.BORDER_TRANSPARENT)


@pytest.fixture(scope="module")
def frames():
    return [_scene(index) for index in range(FRAMES)]


@pytest.fixture(scope="module")
def other():
    return [_scene(index, seed=7) for index in range(FRAMES)]


def kinds(file):
    return {finding.kind for finding in measure_video(file, file.name).findings}


def found(file, kind):
    """Return the finding of a kind; it must be the only finding."""
    findings = measure_video(file, file.name).findings
    assert [finding.kind for finding in findings] == [kind], findings
    return findings[0]


def write_times(file, frames, ticks, *, codec="libx264"):
    """Write frames that are shown at some ticks of 1/90 s."""
    with av.open(str(file), "w") as container:
        stream = container.add_stream(codec, rate=30)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, 90)
        for frame, tick in zip(frames, ticks, strict=True):
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
            picture.pts, picture.time_base = tick, Fraction(1, 90)
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    return file


def test_a_sound_video_raises_no_alarm(tmp_path, frames):
    measurement = measure_video(write_video(tmp_path / "a.mp4", frames), "a.mp4")

    assert measurement.findings == ()
    assert measurement.decodable
    assert measurement.reason == "it has no record: a.json is missing"


def test_a_video_that_begins_and_ends_still_raises_no_alarm(tmp_path, frames):
    still_ends = [frames[0]] * 20 + frames[:AT] + [frames[AT]] * 20
    assert kinds(write_video(tmp_path / "a.mp4", still_ends)) == set()


def test_black_frames(tmp_path, frames):
    planted = frames[:AT] + [np.zeros_like(frames[0])] * 4 + frames[AT + 4 :]
    finding = found(write_video(tmp_path / "a.mp4", planted), "black")
    assert (finding.first_frame, finding.frames) == (AT, 4)


@pytest.mark.parametrize("times", [1, 2, 20])
def test_repeated_frames(tmp_path, frames, times):
    planted = frames[: AT + 1] + [frames[AT]] * times + frames[AT + 1 :]
    finding = found(write_video(tmp_path / "a.mp4", planted, crf=23), "repeated")
    assert (finding.first_frame, finding.frames) == (AT + 1, times)


def test_a_lower_rate_is_no_defect(tmp_path, frames):
    """A recording of 10 frames a second in a film of 30."""
    file = write_video(tmp_path / "a.mp4", [f for frame in frames for f in [frame] * 3], crf=23)
    assert "repeated" not in kinds(file)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_dropped_frames_by_the_motion(tmp_path, count):
    """The motion is steady, 2 px a frame; in uneven motion a single missing frame cannot be told."""
    texture = cv2.resize(
        np.random.default_rng(0).integers(30, 220, (16, 40, 3), dtype=np.uint8),
        (240, SIZE),
        interpolation=cv2.INTER_CUBIC,
    )
    steady = [texture[:, 2 * index :][:, :SIZE] for index in range(FRAMES)]
    finding = found(write_video(tmp_path / "a.mp4", steady[:AT] + steady[AT + count :]), "dropped")
    assert (finding.first_frame, finding.frames) == (AT, count)


def test_dropped_frames_by_their_times(tmp_path, other):
    """Nothing moves, so only the times can tell."""
    ticks = [3 * index for index in range(FRAMES) if index not in (AT, AT + 1)]
    finding = found(write_times(tmp_path / "a.mp4", [other[0]] * len(ticks), ticks), "dropped")
    assert (finding.first_frame, finding.frames) == (AT, 2)


def test_dropped_frames_by_the_record(tmp_path, frames):
    file = write_video(tmp_path / "a.mp4", frames[:-3])
    file.with_suffix(".json").write_text(json.dumps({"frames": FRAMES}))
    assert found(file, "dropped").frames == 3


def test_two_frames_in_the_wrong_order(tmp_path, frames):
    planted = list(frames)
    planted[AT], planted[AT + 1] = planted[AT + 1], planted[AT]
    finding = found(write_video(tmp_path / "a.mp4", planted), "shuffled")
    assert abs(finding.first_frame - AT) <= 1


def test_a_shuffled_video(tmp_path, frames):
    order = np.random.default_rng(1).permutation(FRAMES)
    assert "shuffled" in kinds(write_video(tmp_path / "a.mp4", [frames[index] for index in order]))


def test_a_cut(tmp_path, frames, other):
    file = write_video(tmp_path / "a.mp4", frames[:AT] + other[AT:])
    assert found(file, "cut").first_frame == AT


def test_a_leap_within_the_scene(tmp_path, frames):
    file = write_video(tmp_path / "a.mp4", frames[:20] + frames[42:])
    assert found(file, "jump").first_frame == 20


def test_a_variable_frame_rate(tmp_path, frames):
    ticks = np.cumsum(np.random.default_rng(0).integers(2, 7, FRAMES)).tolist()
    file = write_times(tmp_path / "a.mp4", frames, ticks)
    measurement = measure_video(file, "a.mp4")
    assert "variable_rate" in kinds(file)
    assert measurement.values["constant_rate"] is False
    assert measurement.values["frames"] == FRAMES
    # The last frame is shown as long as the others are on average.
    seconds = (ticks[-1] - ticks[0]) / 90
    assert measurement.values["duration_s"] == pytest.approx(
        seconds * FRAMES / (FRAMES - 1), rel=1e-4
    )


def test_commands_that_nothing_follows(tmp_path, frames):
    """The picture freezes from 1 s to the end, and the commands go on; then they stop as well."""
    file = write_video(tmp_path / "a.mp4", frames[:AT] + [frames[AT]] * AT)
    record = file.with_suffix(".json")
    moving = np.linspace(0, 40, 20)[:, None]
    stopping = np.minimum(moving, moving[10])

    record.write_text(json.dumps({"actions": {"rate_hz": 10, "values": moving.tolist()}}))
    finding = found(file, "frozen")
    assert finding.first_frame == AT + 1
    assert measure_video(file, "a").values["frozen_share"] == pytest.approx(0.5, abs=0.03)

    record.write_text(json.dumps({"actions": {"rate_hz": 10, "values": stopping.tolist()}}))
    assert kinds(file) == set()
    assert measure_video(file, "a").values["frozen_share"] == 0.0


def test_a_gripper_that_moves_is_not_an_arm_that_does(tmp_path, frames):
    file = write_video(tmp_path / "a.mp4", frames[:AT] + [frames[AT]] * AT)
    values = np.column_stack([np.minimum(np.arange(20), 10), np.arange(20)])
    actions = {"rate_hz": 10, "names": ["pan.pos", "gripper.pos"], "values": values.tolist()}
    file.with_suffix(".json").write_text(json.dumps({"actions": actions}))
    assert kinds(file) == set()


@pytest.mark.parametrize("kept", [0.3, 0.9])
def test_a_truncated_file(tmp_path, frames, kept):
    file = write_video(tmp_path / "a.mp4", frames, header_first=False)
    file.write_bytes(file.read_bytes()[: int(kept * file.stat().st_size)])
    found(file, "truncated")


def test_zero_bytes(tmp_path):
    file = tmp_path / "a.mp4"
    file.touch()
    assert "0 bytes" in found(file, "undecodable").message


def test_a_text_and_a_picture_with_a_video_s_name(tmp_path, frames):
    text, picture = tmp_path / "a.mp4", tmp_path / "b.mp4"
    text.write_text("not a video")
    picture.write_bytes(cv2.imencode(".png", frames[0])[1].tobytes())
    found(text, "undecodable")
    assert "wrong_extension" in kinds(picture)


@pytest.mark.parametrize("name", ["a.avi", "a.dat"])
def test_an_mp4_with_another_name(tmp_path, frames, name):
    file = tmp_path / name
    write_video(tmp_path / "a.mp4", frames).rename(file)
    measurement = measure_video(file, name)
    assert [finding.kind for finding in measurement.findings] == ["wrong_extension"]
    assert measurement.values["frames"] == FRAMES


def test_one_frame(tmp_path, frames):
    file = write_video(tmp_path / "a.mp4", frames[:1])
    found(file, "single_frame")
    values = measure_video(file, "a").values
    assert (values["frames"], values["idle_share"], values["smoothness_sparc"]) == (1, 1.0, None)


def test_av1_is_measured_like_h264(tmp_path, frames):
    ticks = [3 * index for index in range(FRAMES)]
    av1 = write_times(tmp_path / "av1.mp4", frames, ticks, codec="libsvtav1")
    h264 = write_video(tmp_path / "h264.mp4", frames)
    one, two = (measure_video(file, "a") for file in (av1, h264))
    assert one.findings == ()
    assert "av1" in one.values["codec"] or "dav1d" in one.values["codec"]
    assert one.values["path_length_px"] == pytest.approx(two.values["path_length_px"], rel=0.1)


def test_4k(tmp_path):
    """Measured in pixels of the video: 16 px a frame for 5 steps, over the whole picture."""
    texture = cv2.resize(
        np.random.default_rng(0).integers(30, 220, (60, 100, 3), dtype=np.uint8),
        (4000, 2160),
        interpolation=cv2.INTER_CUBIC,
    )
    pictures = [texture[:, 100 - 16 * index :][:, :3840] for index in range(6)]
    file = write_video(tmp_path / "a.mp4", pictures, preset="ultrafast")
    measurement = measure_video(file, "a.mp4")
    assert measurement.findings == ()
    assert (measurement.values["width"], measurement.values["height"]) == (3840, 2160)
    assert measurement.values["path_length_px"] == pytest.approx(80, rel=0.2)
