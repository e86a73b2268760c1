"""Labelled episodes of a real arm become the tables and videos of rollouts, which the report reads."""

from dataclasses import replace

import av
import pandas as pd
import pytest

from fedarm.errors import DataError, ResultsError
from fedarm.evaluation_settings import RecordedSettings, Recording
from fedarm.paths import RunPaths, read_json, write_json
from fedarm.provenance import digest_file, digest_folder
from fedarm.report.episodes import read_episodes
from fedarm.report.inputs import RunFolder
from fedarm.report.videos import find_clips
from fedarm.rollout.recorded import collect_recorded
from fedarm.settings import Run
from fedarm.video.analysis import analyze_videos
from tests.unit.data.recording import FPS, LENGTHS, record

LABELS = """episode,arm,initial_condition,success,note
2,central,0,1,
3,fedprox,0,0,"pushed it, twice"
0,fedprox,1,1,
1,central,1,0,
"""


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    root = tmp_path_factory.mktemp("real") / "rollout_cubes"
    record(root)
    return root


@pytest.fixture
def settings(recording, tmp_path):
    runs = []
    for arm in ("central", "fedprox"):
        paths = RunPaths(tmp_path / arm / "seed0", federated=arm == "fedprox")
        write_json(paths.metrics, {"checkpoint": {"round": 4, "sha256": f"digest of {arm}"}})
        kind = "federated" if arm == "fedprox" else "central"
        runs.append((Run(arm, arm, kind, 0, ("cubes",)), 4, paths))
    labels = tmp_path / "labels.csv"
    labels.write_text(LABELS)
    return RecordedSettings(
        runs=tuple(runs),
        labels=labels,
        recordings=(Recording("cubes", recording, unseen=False),),
        videos=1,
        video_size=320,
    )


def test_labels_become_episodes(settings):
    collect_recorded(settings)
    (_, _, paths) = settings.runs[1]
    rows = pd.read_parquet(paths.episodes("cubes"))
    assert rows["episode"].tolist() == [0, 1]
    assert rows["success"].tolist() == [False, True]
    assert rows["recorded_episode"].tolist() == [3, 0]
    assert rows["note"].tolist() == ["pushed it, twice", ""]
    assert rows["steps"].tolist() == [LENGTHS[3], LENGTHS[0]]
    assert rows["duration_s"].tolist() == [LENGTHS[3] / FPS, LENGTHS[0] / FPS]
    assert set(rows["checkpoint_sha256"]) == {"digest of fedprox"}
    assert set(rows["variant"]) == {"real_arm"}


def test_the_report_and_the_video_analysis_read_them(settings):
    collect_recorded(settings)
    for run, number, paths in settings.runs:
        folder = RunFolder(run.arm, run.name, run.kind, run.seed, paths.root)
        frame = read_episodes(folder, "cubes", unseen=False)
        assert frame["initial_condition_seed"].tolist() == [0, 1]
        (clip,) = find_clips(folder, "cubes", number)
        assert (clip.episode, clip.success) == (0, run.name == "central")
        (listed,) = read_json(paths.videos)["videos"]
        assert listed["sha256"] == digest_file(paths.rollouts / listed["file"])
        (found,) = analyze_videos([clip.file])["videos"]
        assert (found["decodable"], found["reason"]) == (True, None)
        assert found["success_env"] is (run.name == "central")
        assert found["success_video"] is None
        with av.open(str(clip.file)) as container:
            frames = sum(1 for _ in container.decode(video=0))
        # Recorded at 10 frames/s and shown at 30.
        assert frames == 3 * LENGTHS[2 if run.name == "central" else 3]


def test_the_same_labels_give_the_same_bytes(settings):
    collect_recorded(settings)
    before = [digest_folder(paths.root) for _, _, paths in settings.runs]
    collect_recorded(settings)
    assert [digest_folder(paths.root) for _, _, paths in settings.runs] == before


def test_an_episode_that_the_recording_does_not_have(settings):
    settings.labels.write_text(LABELS.replace("1,central,1,0", "9,central,1,0"))
    with pytest.raises(DataError) as refused:
        collect_recorded(settings)
    said = str(refused.value)
    for part in (str(settings.labels), "key:    episode", "value:  9", "from 0 to 3", "recordings"):
        assert part in said
    assert not any(paths.rollouts.exists() for _, _, paths in settings.runs)


def test_a_recording_or_metrics_that_are_not_there(settings, tmp_path):
    nowhere = Recording("cubes", tmp_path / "nowhere", unseen=False)
    with pytest.raises(DataError, match="metadata is missing"):
        collect_recorded(replace(settings, recordings=(nowhere,)))
    settings.runs[1][2].metrics.unlink()
    with pytest.raises(ResultsError, match="missing"):
        collect_recorded(settings)
    assert not any(paths.rollouts.exists() for _, _, paths in settings.runs)
