from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from fedarm.video.analysis import analyze_videos
from fedarm.video.tables import write_analysis

from .drawing import picture, write_video

RED, BLUE = (200, 40, 35), (40, 70, 200)
CHECK = {"object_rgb": list(RED), "goal_rgb": list(BLUE), "relation": "on_disc"}
RECORD = {
    "dataset": "pickplace",
    "arm": "central",
    "seed": 1,
    "round": 20,
    "episode": 3,
    "success": True,
    "duration_s": 1.0,
    "final_frame_check": CHECK,
}


def _frames(end_x, frames=30):
    """A cube moves to `end_x`, in metres; the disc is at 0."""
    positions = np.linspace(0.12, end_x, frames)
    return [picture(cubes=[((x, 0.0, 0.0), RED)], discs=[((0.0, 0.0), BLUE)]) for x in positions]


def _write(folder, name, frames, **changes):
    file = write_video(folder / f"{name}.mp4", frames)
    file.with_suffix(".json").write_text(json.dumps(RECORD | changes))
    return file


@pytest.fixture(scope="module")
def done():
    return _frames(0.0)


@pytest.fixture(scope="module")
def missed():
    return _frames(0.08)


def _only(paths, **options):
    (entry,) = analyze_videos(paths, **options)["videos"]
    return entry


def test_a_sound_video_is_measured(tmp_path, done):
    file = _write(tmp_path, "a", done)

    entry = _only([file], root=tmp_path.parent)

    assert entry["file"] == f"{tmp_path.name}/a.mp4"
    assert {key: entry[key] for key in ("dataset", "arm", "seed", "round", "episode")} == {
        "dataset": "pickplace",
        "arm": "central",
        "seed": 1,
        "round": 20,
        "episode": 3,
    }
    assert (entry["frames"], entry["duration_s"]) == (30, 1.0)
    assert entry["decodable"] is True
    assert entry["reason"] is None
    assert entry["black_share"] == 0.0
    assert entry["smoothness_sparc"] < -1.0
    assert entry["path_length_px"] > 0.5
    assert (entry["success_env"], entry["success_video"]) == (True, True)


def test_the_confusion_with_the_environment(tmp_path, done, missed):
    undetermined = [picture(cubes=[((0.0, 0.0, 0.0), RED)])] * 30
    files = [
        _write(tmp_path, "tp", done, success=True),
        _write(tmp_path, "fp", done, success=False),
        _write(tmp_path, "fn", missed, success=True),
        _write(tmp_path, "tn1", missed, success=False),
        _write(tmp_path, "tn2", missed, success=False),
        _write(tmp_path, "none", undetermined, success=True),
        _write(tmp_path, "no_flag", done, success=None),
    ]

    assert analyze_videos(files)["confusion"] == {
        "true_positive": 1,
        "false_positive": 1,
        "false_negative": 1,
        "true_negative": 2,
        "undetermined": 1,
    }


@pytest.mark.parametrize("size", [0, 300, 2000])
def test_a_damaged_video_is_reported(tmp_path, done, size):
    file = _write(tmp_path, "a", done)
    file.write_bytes(file.read_bytes()[:size])

    analysis = analyze_videos([file])

    (entry,) = analysis["videos"]
    assert entry["decodable"] is False
    assert entry["reason"].startswith(("the video is", "not a readable video"))
    assert str(tmp_path) not in json.dumps(analysis)
    assert entry["frames"] is None
    assert entry["success_env"] is True
    assert analysis["confusion"]["undetermined"] == 1
    assert entry["findings"][0]["kind"] == ("undecodable" if size == 0 else "truncated")
    assert analysis["counts"] == {
        "videos": 1,
        "undecodable": 1,
        "with_reason": 1,
        "with_findings": 1,
        "without_record": 0,
        "findings": {entry["findings"][0]["kind"]: 1},
    }


def test_a_missing_record_is_reported(tmp_path, done):
    file = write_video(tmp_path / "a.mp4", done)

    entry = _only([file])

    assert entry["reason"] == "it has no record: a.json is missing"
    assert entry["decodable"] is True
    assert entry["frames"] == 30
    assert entry["success_env"] is None
    assert entry["dataset"] is None
    assert entry["findings"] == []
    assert set(entry["unknown"]) == {
        "completion_time_s",
        "success_video",
        "ldlj_actions",
        "frozen_share",
    }


@pytest.mark.parametrize("content", ["{", "[1]"])
def test_a_broken_record_is_reported(tmp_path, done, content):
    file = write_video(tmp_path / "a.mp4", done)
    file.with_suffix(".json").write_text(content)

    assert _only([file])["reason"].startswith("its record a.json is not")


def test_a_senseless_check_is_reported(tmp_path, done):
    entry = _only([_write(tmp_path, "a", done, final_frame_check=CHECK | {"relation": "near"})])

    assert "relation" in entry["reason"]
    assert entry["success_video"] is None


def test_a_video_shorter_than_its_record_is_reported(tmp_path, done):
    entry = _only([_write(tmp_path, "a", done, duration_s=2.5)])

    assert entry["reason"] == "1.00 s long, its record says 2.50 s"
    assert entry["decodable"] is True


def test_a_black_and_still_video(tmp_path):
    entry = _only([_write(tmp_path, "a", [np.zeros((64, 64, 3), np.uint8)] * 30)])

    assert [finding["kind"] for finding in entry["findings"]] == ["black"]

    assert entry["black_share"] == 1.0
    assert entry["idle_share"] == 1.0
    assert entry["smoothness_sparc"] is None
    assert entry["path_length_px"] == 0.0
    assert entry["success_video"] is None


def test_the_order_of_the_paths_does_not_matter(tmp_path, done, missed):
    files = [_write(tmp_path, "b", done), _write(tmp_path, "a", missed)]

    dumped = [json.dumps(analyze_videos(paths)) for paths in (files, files[::-1])]

    assert dumped[0] == dumped[1]
    assert [entry["file"] for entry in analyze_videos(files)["videos"]] == ["a.mp4", "b.mp4"]


def test_no_video_at_all():
    assert analyze_videos([])["videos"] == []


def test_the_same_videos_give_the_same_bytes(tmp_path, done, missed):
    files = [_write(tmp_path, "a", done), _write(tmp_path, "b", missed, round=10)]

    for name in ("one", "two"):
        write_analysis(tmp_path / name / "video_analysis.json", analyze_videos(files))

    for suffix in ("json", "parquet"):
        one, two = (tmp_path / n / f"video_analysis.{suffix}" for n in ("one", "two"))
        assert one.read_bytes() == two.read_bytes()
    table = pd.read_parquet(tmp_path / "one" / "video_analysis.parquet")
    assert list(table["round"]) == [20, 10]
    assert table["success_video"].tolist() == [True, False]


def test_summaries_of_rounds_and_arms(tmp_path, done, missed):
    files = [
        _write(tmp_path, "a", done, episode=0),
        _write(tmp_path, "b", missed, episode=1, success=False),
        _write(tmp_path, "c", missed, round=10, success=False),
    ]

    analysis = analyze_videos(files)

    early, late = analysis["rounds"]
    assert (early["round"], early["videos"], early["success_env"]) == (10, 1, 0.0)
    assert (late["round"], late["videos"], late["success_env"]) == (20, 2, 0.5)
    assert late["completion_time_s"] == 1.0, "of successes only"
    assert early["completion_time_s"] is None
    (arm,) = analysis["arms"]
    assert (arm["arm"], arm["videos"]) == ("central", 3)
    paths = [video["path_length_px"] for video in analysis["videos"]]
    assert arm["path_length_px"] == pytest.approx(np.mean(paths), abs=1e-5)


def test_only_the_episode_counts_for_motion(tmp_path, done):
    """A film stands still after its episode; that is neither idleness nor repeated frames."""
    still = [done[-1]] * 15

    entry = _only([_write(tmp_path, "a", done + still)])

    assert entry["frames"] == 45
    assert entry["idle_share"] == 0.0
    assert entry["findings"] == []
