from __future__ import annotations

import json
import math
from dataclasses import replace

import pyarrow.parquet as pq
import pytest

from fedarm.data.checks import CHECKS, Evidence, run_checks
from fedarm.data.dataset import open_dataset
from fedarm.errors import DataError

from .recording import DATA_FILE, FRONT, LENGTHS, WRIST


def _found(root, check):
    """Return the findings of one check, and make sure that the report agrees with itself."""
    report = run_checks(root).to_json()
    errors = [f for f in report["findings"] if f["severity"] == "error"]
    assert report["passed"] is (not errors)
    assert all(finding["remedy"] for finding in report["findings"])
    return [finding for finding in report["findings"] if finding["check"] == check]


def _edit_episodes(root, **columns):
    file = root / "meta/episodes/chunk-000/file-000.parquet"
    table = pq.read_table(file)
    for key, values in columns.items():
        position = table.schema.get_field_index(key)
        table = table.set_column(position, table.schema.field(key), [values])
    pq.write_table(table, file)


def test_a_sound_dataset_passes_every_check(recorded):
    report = run_checks(recorded, name="client").to_json()

    assert report["dataset"] == "client"
    assert report["passed"] is True
    # Two of the four episodes are shorter than a second.
    assert [finding["check"] for finding in report["findings"]] == ["short_episode"] * 2
    assert report["counts"] == {"error": 0, "warning": 2}
    assert {entry["check"] for entry in report["checks"]} == set(CHECKS)


def test_the_report_is_the_same_bytes_in_another_folder(recorded, dataset_root):
    reports = [
        json.dumps(run_checks(r).to_json(), allow_nan=False) for r in (recorded, dataset_root)
    ]

    assert reports[0] == reports[1]


def test_non_finite_values_are_located(dataset_root, edit_rows):
    def spoil(columns):
        columns["observation.state"][9][2] = math.nan
        columns["action"][10][5] = -math.inf

    edit_rows(spoil)

    state, action = _found(dataset_root, "non_finite")
    assert (state["episode"], state["frame"], state["value"]) == (1, 0, "nan")
    assert state["column"] == "observation.state[elbow_flex.pos]"
    assert (action["episode"], action["frame"], action["value"]) == (1, 1, "-inf")
    assert action["column"] == "action[gripper.pos]"


def test_a_jump_in_time_is_located(dataset_root, edit_rows):
    def jump(columns):
        columns["timestamp"][3:9] = [time + 0.05 for time in columns["timestamp"][3:9]]

    edit_rows(jump)

    (finding,) = _found(dataset_root, "timestamps")
    assert (finding["episode"], finding["frame"]) == (0, 3)
    assert finding["value"] == pytest.approx(0.15, abs=1e-6)


def test_time_that_runs_backwards_is_located(dataset_root, edit_rows):
    def swap(columns):
        times = columns["timestamp"]
        times[4], times[5] = times[5], times[4]

    edit_rows(swap)

    findings = _found(dataset_root, "timestamps")
    assert [finding["frame"] for finding in findings] == [4, 5, 6]
    assert "does not rise" in findings[1]["message"]


def test_jitter_within_the_tolerance_is_no_finding(dataset_root, edit_rows):
    def jitter(columns):
        columns["timestamp"][4] += 5e-5

    edit_rows(jitter)

    assert _found(dataset_root, "timestamps") == []


def test_a_stamped_fps_above_the_recorded_one_is_found(dataset_root, edit_info):
    edit_info(fps=30)

    findings = _found(dataset_root, "timestamps")
    assert len(findings) == 20
    assert "rises by 0.1 s, not 0.0333333" in findings[0]["message"]


def test_findings_beyond_the_listed_ones_are_counted(dataset_root, edit_info):
    edit_info(fps=30)

    report = run_checks(dataset_root).to_json()
    entry = next(entry for entry in report["checks"] if entry["check"] == "timestamps")
    assert entry["total"] == sum(LENGTHS) - len(LENGTHS)
    assert entry["listed"] == 20


def test_a_doubled_row_is_located(dataset_root, edit_rows):
    def double(columns):
        for values in columns.values():
            values.append(values[12])

    edit_rows(double)

    (finding,) = _found(dataset_root, "duplicate_rows")
    assert (finding["episode"], finding["frame"]) == (1, 3)
    assert {f["episode"] for f in _found(dataset_root, "frame_order")} == {1}
    assert [f["column"] for f in _found(dataset_root, "row_count")] == ["total_frames", "length"]


def test_missing_rows_are_found(dataset_root):
    file = dataset_root / DATA_FILE
    pq.write_table(pq.read_table(file).slice(0, 37), file)

    total, length = _found(dataset_root, "row_count")
    assert total["value"] == 37
    assert (length["episode"], length["value"]) == (3, 9)


def test_a_gap_in_the_frames_is_located(dataset_root, edit_rows):
    def skip(columns):
        columns["frame_index"][5:9] = [6, 7, 8, 9]

    edit_rows(skip)

    (finding,) = _found(dataset_root, "frame_order")
    assert (finding["episode"], finding["value"]) == (0, 6)


def test_an_unknown_and_an_empty_task_are_found(dataset_root, edit_rows):
    def unknown(columns):
        columns["task_index"][0] = 5

    edit_rows(unknown)
    tasks = dataset_root / "meta/tasks.parquet"
    table = pq.read_table(tasks)
    position = table.schema.get_field_index("task")
    pq.write_table(table.set_column(position, "task", [["  ", "stack the cubes"]]), tasks)

    messages = [finding["message"] for finding in _found(dataset_root, "task_strings")]
    assert messages == [
        "a task string is empty",
        "no such task",
        "the episode's tasks are not in meta/tasks.parquet",
        "the episode's tasks are not in meta/tasks.parquet",
    ]


def test_wrong_totals_and_names_are_found(dataset_root, edit_info):
    features = json.loads((dataset_root / "meta/info.json").read_text())["features"]
    features["action"]["names"][1] = features["action"]["names"][0]
    edit_info(total_episodes=5, features=features)

    columns = [finding["column"] for finding in _found(dataset_root, "schema")]
    assert columns == ["total_episodes"]
    names = [finding["message"] for finding in _found(dataset_root, "joint_names")]
    assert "two joints have one name" in names


def test_a_video_span_of_another_length_is_found(dataset_root):
    ends = [span.to_s for span in _spans(dataset_root, FRONT)]
    _edit_episodes(dataset_root, **{f"videos/{FRONT}/to_timestamp": [*ends[:3], ends[3] - 0.2]})

    span, file = _found(dataset_root, "frame_count")
    assert (span["episode"], span["column"], span["value"]) == (3, FRONT, 8)
    assert file["value"] == sum(LENGTHS)


@pytest.mark.parametrize("kept", [0.0, 0.5])
def test_a_damaged_video_is_a_finding(dataset_root, kept):
    file = _spans(dataset_root, WRIST)[0].file
    content = (dataset_root / file).read_bytes()
    (dataset_root / file).write_bytes(content[: int(len(content) * kept)])

    (finding,) = _found(dataset_root, "video_decodes")
    assert finding["column"] == file
    assert finding["message"].startswith("not a readable video: ")
    assert str(dataset_root) not in finding["message"]


def test_an_outlying_length_is_a_warning_only(dataset_root):
    _edit_episodes(dataset_root, length=[9, 12, 7, 40])

    (finding,) = _found(dataset_root, "episode_lengths")
    assert (finding["severity"], finding["episode"], finding["value"]) == ("warning", 3, 40)


def test_a_dataset_that_cannot_be_opened_is_a_finding(dataset_root):
    (dataset_root / DATA_FILE).write_bytes(b"PAR1")

    report = run_checks(dataset_root).to_json()
    finding = report["findings"][0]
    assert report["passed"] is False
    assert report["exit_code"] == 2
    assert (finding["check"], finding["column"]) == ("readable", DATA_FILE)
    assert DATA_FILE in finding["message"]
    assert str(dataset_root) not in finding["message"]


def test_errors_end_a_job_with_their_places(dataset_root, edit_rows, recorded):
    def spoil(columns):
        columns["action"][10][5] = math.nan

    edit_rows(spoil)

    place = r"non_finite: .*episode 1, frame 1, column action\[gripper\.pos\]"
    with pytest.raises(DataError, match=rf"{place}(.|\n)*client(.|\n)*remedy"):
        run_checks(dataset_root, name="client").require_passed()
    run_checks(recorded).require_passed()


def test_a_warning_does_not_end_a_job(recorded):
    report = run_checks(recorded)
    places = (Evidence("far longer than the others", episode=3),)
    outcomes = tuple(
        replace(outcome, total=1, places=places) if outcome.name == "episode_lengths" else outcome
        for outcome in report.outcomes
    )
    warned = replace(report, outcomes=outcomes)

    assert warned.to_json()["counts"] == {"error": 0, "warning": 3}
    warned.require_passed()


def _spans(root, camera):
    return [episode.videos[camera] for episode in open_dataset(root).episodes]
