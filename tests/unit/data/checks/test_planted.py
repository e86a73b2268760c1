"""Each defect at a mild and a strong dose is found where it was planted."""

from __future__ import annotations

import numpy as np
import pytest

from fedarm.data.checks import CHECKS, run_checks

from .teleop import CAMERA, FPS, NAMES, VIDEO, write_teleop

STATE, ACTION = "observation.state", "action"
# Where the tests plant: an episode, and a frame in the middle of its first move.
EPISODE = 2


def test_a_clean_set_has_no_finding(clean):
    report = run_checks(clean)

    assert report.to_json()["findings"] == []
    assert report.exit_code == 0
    assert {outcome.name for outcome in report.outcomes} == set(CHECKS)


@pytest.mark.parametrize("seed", [1, 4])
def test_other_people_have_none_either(tmp_path, seed):
    write_teleop(tmp_path / "dataset", episodes=5, seed=seed)

    assert run_checks(tmp_path / "dataset").to_json()["findings"] == []


def _expect(findings, **place):
    hits = [f for f in findings if all(f[key] == value for key, value in place.items())]
    assert hits, findings
    return hits[0]


@pytest.mark.parametrize("degrees", [15.0, 60.0])
@pytest.mark.parametrize("key", [STATE, ACTION])
def test_jitter(plant, degrees, key):
    row = plant.rows(EPISODE)[30]
    plant.joints(lambda x: x.__setitem__((row, 1), x[row, 1] + degrees), key=key)

    _expect(plant.found("jitter"), episode=EPISODE, frame=30, column=f"{key}[shoulder_lift.pos]")


@pytest.mark.parametrize("degrees", [12.0, 90.0])
def test_discontinuity(plant, degrees):
    rows = plant.rows(EPISODE)[40:]
    plant.joints(lambda x: x.__setitem__((rows, 0), x[rows, 0] + degrees))

    found = plant.found("discontinuity")
    _expect(found, episode=EPISODE, frame=40, column=f"{STATE}[shoulder_pan.pos]")


@pytest.mark.parametrize("noise", [1.0, 4.0])
def test_jerk(plant, noise):
    rows = plant.rows(EPISODE)
    extra = np.random.default_rng(0).normal(scale=noise, size=len(rows))
    plant.joints(lambda x: x.__setitem__((rows, 3), x[rows, 3] + extra))

    found = plant.found("jerk_smoothness")
    _expect(found, episode=EPISODE, column=f"{STATE}[wrist_flex.pos]")


@pytest.mark.parametrize("frames", [10, 25])
def test_frozen_state(plant, frames):
    rows = plant.rows(EPISODE)[6 : 6 + frames]
    plant.joints(lambda x: x.__setitem__(rows, x[rows[0]]))

    _expect(plant.found("frozen_state"), episode=EPISODE, frame=6, column=STATE)


@pytest.mark.parametrize("seconds", [2.5, 6.0])
def test_idle_stall(plant, seconds):
    rows = plant.rows(EPISODE)[20 : 20 + int(seconds * FPS)]
    for key in (STATE, ACTION):
        plant.joints(lambda x: x.__setitem__(rows, x[rows[0]]), key=key)

    assert _expect(plant.found("idle_stall"), episode=EPISODE)["frame"] in range(16, 24)


@pytest.mark.parametrize("period", [4, 10])
def test_gripper_chatter(plant, period):
    rows = plant.rows(EPISODE)[30:60]
    wave = 20 + 10 * np.sign(np.sin(2 * np.pi * (np.arange(30) + 0.5) / period))
    plant.joints(lambda x: x.__setitem__((rows, 5), wave))

    _expect(plant.found("gripper_chatter"), episode=EPISODE, column=f"{STATE}[gripper.pos]")


@pytest.mark.parametrize("episodes", [(EPISODE,), range(6)])
def test_dead_joint(plant, episodes):
    for episode in episodes:
        rows = plant.rows(episode)
        plant.joints(lambda x, rows=rows: x.__setitem__((rows, 2), 12.5))

    found = plant.found("dead_joint")
    _expect(found, episode=EPISODE, column=f"{STATE}[elbow_flex.pos]")


@pytest.mark.parametrize("quantile", [0.35, 0.6])
@pytest.mark.parametrize("keys", [(STATE,), (STATE, ACTION)])
def test_saturated_joint(plant, quantile, keys):
    rows = plant.rows(EPISODE)
    states = np.array(plant.column(STATE))[rows, 2]
    # Between the extremes, so that the cut comes where the joint moves.
    floor = states.min() + quantile * np.ptp(states)
    for key in keys:
        plant.joints(lambda x: x.__setitem__((rows, 2), np.maximum(x[rows, 2], floor)), key=key)

    found = plant.found("saturated_joint")
    _expect(found, episode=EPISODE, column=f"{STATE}[elbow_flex.pos]")


@pytest.mark.parametrize("span", [0.0, 1.0])
def test_gripper_inert(plant, span):
    rows = plant.rows(EPISODE)
    plant.joints(lambda x: x.__setitem__((rows, 5), np.linspace(20, 20 + span, len(rows))))

    _expect(plant.found("gripper_inert"), episode=EPISODE, column=f"{STATE}[gripper.pos]")


@pytest.mark.parametrize("scale", [0.5, np.pi / 180])
def test_action_range(plant, scale):
    rows = plant.rows(EPISODE)
    plant.joints(lambda x: x.__setitem__(rows, x[rows] * scale), key=ACTION)

    found = plant.found("action_range_mismatch")
    _expect(found, episode=EPISODE, column=f"{ACTION}[shoulder_pan.pos]")


@pytest.mark.parametrize("shift", [20, 60])
def test_divergence(plant, shift):
    rows = plant.rows(EPISODE)
    plant.joints(lambda x: x.__setitem__((rows, 0), np.roll(x[rows, 0], shift)), key=ACTION)

    found = plant.found("action_state_divergence")
    _expect(found, episode=EPISODE, column=f"{STATE}[shoulder_pan.pos]")


@pytest.mark.parametrize(("factor", "column"), [(np.pi / 180, STATE), (40.0, None)])
def test_units(plant, factor, column):
    rows = plant.rows(EPISODE)
    plant.joints(lambda x: x.__setitem__(rows, x[rows] * factor))

    found = plant.found("units_out_of_range")
    _expect(found, episode=EPISODE, **({"column": column} if column else {}))


@pytest.mark.parametrize("episodes", [(EPISODE,), range(6)])
def test_calibration_era(plant, episodes):
    rows = np.concatenate([plant.rows(episode) for episode in episodes])
    for key in (STATE, ACTION):

        def to_legacy(x):
            x[rows, 1], x[rows, 2] = 90 - x[rows, 1], x[rows, 2] + 90

        plant.joints(to_legacy, key=key)

    place = {"episode": EPISODE} if len(episodes) == 1 else {"value": "legacy_degrees"}
    _expect(plant.found("calibration_era"), **place)


@pytest.mark.parametrize("frames", [1, 30])
@pytest.mark.parametrize("grey", [0, 255, 120])
def test_flat_images(plant, frames, grey):
    rows = plant.rows(EPISODE)[20 : 20 + frames]
    plant.video(lambda x: x.__setitem__(rows, grey))

    _expect(plant.found("image_black_or_flat"), episode=EPISODE, frame=20, column=CAMERA)


@pytest.mark.parametrize("frames", [14, 40])
def test_frozen_camera(plant, frames):
    rows = plant.rows(EPISODE)[6 : 6 + frames]
    plant.video(lambda x: x.__setitem__(rows, x[rows[0]]))

    found = _expect(plant.found("frozen_camera"), episode=EPISODE, column=CAMERA)
    assert found["frame"] in range(3, 9)


@pytest.mark.parametrize("source", ["left over", "black"])
def test_stale_first_frame(plant, source):
    first = plant.rows(EPISODE)[0]
    noise = np.random.default_rng(0).integers(0, 255, (1, 12, 12, 3)).repeat(8, 1).repeat(8, 2)
    image = (lambda x: x[first - 1]) if source == "left over" else (lambda x: noise[0])
    plant.video(lambda x: x.__setitem__(first, image(x)))

    _expect(plant.found("stale_first_frame"), episode=EPISODE, frame=0, column=CAMERA)


@pytest.mark.parametrize("frames", [2, 4])
def test_several_stale_first_frames(plant, frames):
    first = plant.rows(EPISODE)[0]
    plant.video(lambda x: x.__setitem__(slice(first, first + frames), x[first - 1]))

    (found,) = plant.found("stale_first_frame")
    assert (found["episode"], found["column"]) == (EPISODE, CAMERA)


@pytest.mark.parametrize("shift", [8, 14, -4])
def test_frame_shift(plant, shift):
    rows = plant.rows(EPISODE)
    moved = np.clip(np.arange(len(rows)) - shift, 0, len(rows) - 1)
    plant.video(lambda x: x.__setitem__(rows, x[rows[moved]]))

    found = _expect(plant.found("frame_shift"), episode=EPISODE, column=CAMERA)
    assert abs(found["value"] - shift) <= 1


@pytest.mark.parametrize("repeats", [2, 3])
def test_repeated_rows(plant, repeats):
    rows = plant.rows(EPISODE)
    held = rows[np.arange(len(rows)) // repeats * repeats]
    for key in (STATE, ACTION):
        plant.joints(lambda x: x.__setitem__(rows, x[held]), key=key)

    _expect(plant.found("stamped_fps"), episode=EPISODE, column=STATE)


@pytest.mark.parametrize("fps", [33, 60])
def test_a_stamped_rate(plant, fps):
    plant.info(fps=fps)

    _expect(plant.found("stamped_fps"), column="fps", value=pytest.approx(FPS, abs=0.01))
    _expect(plant.found("video_rate"), column=VIDEO, value=FPS)


@pytest.mark.parametrize("lost", [1, 5])
def test_frame_drops(plant, lost):
    rows = plant.rows(EPISODE)[10:]
    plant.set(timestamp=lambda x: x.__setitem__(rows, x[rows] + lost / FPS))

    _expect(plant.found("frame_drops"), episode=EPISODE, frame=10, column="timestamp")


@pytest.mark.parametrize("drift", [0.001, 0.2])
def test_span_drift(plant, drift):
    key = f"videos/{CAMERA}/from_timestamp"
    plant.episodes(**{key: lambda x: x.__setitem__(EPISODE, x[EPISODE] + drift)})

    _expect(plant.found("span_drift"), episode=EPISODE)


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_duplicate_episodes(plant, share):
    source, target = plant.rows(1), plant.rows(4)
    count = int(share * min(len(source), len(target)))
    for key in (STATE, ACTION):
        plant.joints(lambda x: x.__setitem__(target[:count], x[source[:count]]), key=key)

    if share == 1.0 or count >= 0.6 * min(len(source), len(target)):
        _expect(plant.found("duplicate_episodes"), episode=4, value=1)


@pytest.mark.parametrize("factor", [1.1, 100.0])
def test_stored_statistics(plant, factor):
    def inflate(stats):
        stats[STATE]["std"][3] *= factor

    plant.stats(inflate)

    column = f"meta/stats.json {STATE}[{NAMES[3]}].std"
    _expect(plant.found("stored_statistics"), column=column)


def test_statistics_of_a_part_of_the_episodes_are_no_finding(plant):
    from .teleop import statistics

    rows = np.concatenate([plant.rows(e) for e in range(4)])

    def train_only(stats):
        for key in (STATE, ACTION):
            stats[key] = statistics(np.array(plant.column(key))[rows])

    plant.stats(train_only)
    assert plant.found("stored_statistics") == []


@pytest.mark.parametrize("missing", [["q01"], ["q01", "q10", "q50", "q90", "q99"]])
def test_missing_quantiles(plant, missing):
    plant.stats(lambda stats: [stats[ACTION].pop(name) for name in missing])

    found = _expect(plant.found("stored_statistics"), column=f"meta/stats.json {ACTION}")
    assert found["value"] == ", ".join(missing)


@pytest.mark.parametrize("file", ["data/chunk-000/episode_000000.parquet", "videos/old/a.mp4"])
def test_undeclared_files(plant, file):
    (plant.root / file).parent.mkdir(parents=True, exist_ok=True)
    (plant.root / file).write_bytes(b"")

    _expect(plant.found("undeclared_files"), column=file)


@pytest.mark.parametrize("file_index", [1, 7])
def test_stale_pointers(plant, file_index):
    plant.episodes(
        **{"data/file_index": lambda x: x.__setitem__(EPISODE, file_index)},
        dataset_from_index=lambda x: x.__setitem__(4, x[4] + 1),
    )

    found = plant.found("stale_pointers")
    _expect(found, episode=EPISODE, column=f"data/chunk-000/file-{file_index:03d}.parquet")
    _expect(found, episode=4, column="dataset_from_index")


@pytest.mark.parametrize("task", ["test", " x"])
def test_placeholder_tasks(plant, task):
    plant.set("meta/tasks.parquet", task=[task])

    _expect(plant.found("task_strings"), column="task", value=task)


@pytest.mark.parametrize("names", [[f"motor_{i}" for i in range(6)], NAMES[::-1]])
def test_joint_names(plant, names):
    import json

    features = json.loads((plant.root / "meta/info.json").read_text())["features"]
    features[ACTION]["names"] = names
    plant.info(features=features)

    _expect(plant.found("joint_names"), column=ACTION)


@pytest.mark.parametrize("kept", [0.0, 0.5])
def test_a_truncated_table_is_located_and_the_rest_is_checked(plant, kept):
    from .teleop import DATA

    content = (plant.root / DATA).read_bytes()
    (plant.root / DATA).write_bytes(content[: int(kept * len(content))])
    (plant.root / "data/left_over.parquet").write_bytes(b"")

    report = run_checks(plant.root)
    findings = report.to_json()["findings"]
    assert report.exit_code == 2
    _expect(findings, check="readable", column=DATA)
    _expect(findings, check="undeclared_files", column="data/left_over.parquet")
    assert "jitter" in report.skipped
    assert not any(str(plant.root) in finding["message"] for finding in findings)
