"""What the numbers and names mean: joints, calibration eras, units, cameras, tasks."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from .defect import Planted, Strength, by_strength, defect
from .film import camera_keys
from .tables import (
    ACTION,
    EPISODES_FILE,
    STATE,
    STATS_FILE,
    TASKS_FILE,
    edit_episodes,
    edit_info,
    edit_motion,
    edit_rows,
    joint_names,
    lengths,
    matrix,
    pick_episode,
    read_rows,
    read_table,
    refresh_statistics,
    rows_of,
    set_column,
    vector,
)

Motion = NDArray[np.float32]
# The SO-101's calibrated ranges in degrees, in the order of its joints, for the normalised era.
RANGES = ((-110, 110), (-100, 100), (-97, 97), (-95, 95), (-157, 163))
STATISTICS = {"fix": "recompute_statistics"}


def to_legacy(values: Motion) -> Motion:
    """Today's degrees as before lerobot #777; back: shoulder_lift = -(x - 90), elbow_flex = x - 90."""
    old = values.copy()
    old[:, 1] = 90 - values[:, 1]
    old[:, 2] = values[:, 2] + 90
    return old


def to_normalized(values: Motion, ranges: NDArray[np.float64]) -> Motion:
    """Degrees as shares of each joint's range, -100 to 100; the gripper is in percent already."""
    new = values.copy()
    low, high = ranges.T
    new[:, :5] = np.clip((values[:, :5] - low) / (high - low) * 200 - 100, -100, 100)
    return new


@defect(
    "legacy_era", "degrees from before lerobot #777, under the old names, the new ones, or in part"
)
def legacy_era(folder: Path, strength: Strength, _: np.random.Generator) -> Planted:
    _convert(folder, to_legacy, slice(None))
    fixes: list[dict[str, Any]] = [
        {"fix": "convert_era", "source": "legacy_degrees", "to": "degrees"}
    ]
    if strength != "mild":
        _rename_joints(
            folder, [f"main_{name.removesuffix('.pos')}" for name in joint_names(folder)]
        )
    # 90 - x in 32 bits loses what x has beyond the 7th digit.
    return Planted(("calibration_era",), (), None, None, (*fixes, STATISTICS), True, 1e-4)


@defect("normalized_era", "joints in shares of their calibrated range instead of degrees")
def normalized_era(folder: Path, strength: Strength, _: np.random.Generator) -> Planted:
    """With a declared unit, with joints that reach the ends of their ranges, or clamped there."""
    ranges = np.array(RANGES, dtype=np.float64)
    trim = by_strength(strength, None, 0.0, 0.05)
    if trim is not None:
        rows = read_rows(folder)
        both = np.concatenate([matrix(rows, STATE), matrix(rows, ACTION)])[:, :5]
        reach = np.quantile(both, [trim, 1 - trim], axis=0).T
        moves = np.ptp(reach, axis=1) > 5
        ranges[moves] = reach[moves]
    _convert(folder, lambda values: to_normalized(values, ranges), slice(None))
    if strength == "mild":

        def declare(info: dict[str, Any]) -> None:
            for key in (STATE, ACTION):
                info["features"][key]["units"] = "normalized"

        edit_info(folder, declare)
    # What was clamped is lost.
    lossless = strength != "strong"
    names = joint_names(folder)
    by_joint = {n: [float(x) for x in r] for n, r in zip(names[:5], ranges, strict=True)}
    convert = {"fix": "convert_era", "source": "normalized", "to": "degrees", "ranges": by_joint}
    return Planted(
        ("calibration_era", "calibration_units"),
        fixes=(convert, STATISTICS),
        lossless=lossless,
        tolerance=1e-4,
    )


@defect("mixed_eras", "some episodes in degrees from before lerobot #777, the others in today's")
def mixed_eras(folder: Path, strength: Strength, _: np.random.Generator) -> Planted:
    count = len(lengths(folder))
    old = tuple(range(count - by_strength(strength, 1, 2, count // 2), count))
    rows = np.concatenate([rows_of(folder, episode) for episode in old])
    _convert(folder, to_legacy, rows)
    return Planted(("calibration_era",), old)


@defect("radians", "joints in radians")
def radians(folder: Path, strength: Strength, _: np.random.Generator) -> Planted:
    joints = by_strength(strength, slice(0, 5), slice(0, 5), slice(0, 6))
    keys = by_strength(strength, (ACTION,), (STATE, ACTION), (STATE, ACTION))

    def convert(state: Motion, action: Motion) -> None:
        for key, values in ((STATE, state), (ACTION, action)):
            if key in keys:
                values[:, joints] = np.deg2rad(values[:, joints])

    edit_motion(folder, convert)
    return Planted(("units_out_of_range", "calibration_era", "action_range_mismatch"))


@defect("encoder_counts", "joints in raw counts of the encoder")
def encoder_counts(folder: Path, strength: Strength, _: np.random.Generator) -> Planted:
    joints = by_strength(strength, slice(4, 5), slice(0, 5), slice(0, 6))

    def convert(state: Motion, action: Motion) -> None:
        for values in (state, action):
            values[:, joints] = np.round(values[:, joints] / 360 * 4096 + 2048)

    edit_motion(folder, convert)
    return Planted(("units_out_of_range", "calibration_era"))


@defect("gripper_fraction", "a gripper from 0 to 1 instead of percent")
def gripper_fraction(folder: Path, strength: Strength, _: np.random.Generator) -> Planted:
    keys = by_strength(strength, (ACTION,), (STATE,), (STATE, ACTION))

    def convert(state: Motion, action: Motion) -> None:
        for key, values in ((STATE, state), (ACTION, action)):
            if key in keys:
                values[:, -1] /= 100

    edit_motion(folder, convert)
    return Planted(("units_out_of_range", "action_range_mismatch", "calibration_era"))


@defect("joints_swapped", "columns of two joints swapped under unchanged names")
def joints_swapped(folder: Path, strength: Strength, _: np.random.Generator) -> Planted:
    """In state and action alike nothing but the arm's reach tells; in one of them they disagree."""
    first, second = by_strength(strength, (0, 1), (1, 2), (0, 5))

    def swap(state: Motion, action: Motion) -> None:
        del state
        action[:, [first, second]] = action[:, [second, first]]

    edit_motion(folder, swap)
    checks = ("action_state_divergence", "action_range_mismatch", "joint_names")
    return Planted(checks, (), None, ACTION)


@defect("joint_order", "names in another order than the arm's, the columns with them")
def joint_order(folder: Path, strength: Strength, _: np.random.Generator) -> Planted:
    names = joint_names(folder)
    order = by_strength(strength, [1, 0, 2, 3, 4, 5], [5, 0, 1, 2, 3, 4], [5, 4, 3, 2, 1, 0])

    def permute(state: Motion, action: Motion) -> None:
        state[:], action[:] = state[:, order], action[:, order]

    edit_motion(folder, permute)
    _rename_joints(folder, [names[joint] for joint in order])
    return Planted(("joint_names",))


@defect("joint_names", "names that are not the arm's")
def names_changed(folder: Path, strength: Strength, _: np.random.Generator) -> Planted:
    names = joint_names(folder)
    changed = by_strength(
        strength,
        [name.removesuffix(".pos") for name in names],
        [f"motor_{joint + 1}" for joint in range(len(names))],
        [names[0]] * 2 + names[2:],
    )
    _rename_joints(folder, changed)
    fixes = ({"fix": "rename_joints", "joints": dict(zip(changed, names, strict=True))},)
    return Planted(
        ("joint_names", "schema"), (), None, None, () if strength == "strong" else fixes, True
    )


@defect("joint_names_disagree", "names of the action other than those of the state")
def names_disagree(folder: Path, strength: Strength, _: np.random.Generator) -> Planted:
    names = joint_names(folder)
    changed = by_strength(
        strength, [*names[:5], "jaw.pos"], [names[1], names[0], *names[2:]], names[::-1]
    )
    edit_info(folder, lambda info: info["features"][ACTION].update(names=changed))
    return Planted(("joint_names",), (), None, ACTION)


@defect("camera_keys", "a camera under a name that policies silently ignore")
def camera_names(folder: Path, strength: Strength, _: np.random.Generator) -> Planted:
    """As in lerobot #2332: the policy trains without the picture and says nothing."""
    old = camera_keys(folder)[0]
    new = by_strength(strength, "observation.image", "images.front", "front")
    _rename_camera(folder, old, new)
    fixes = ({"fix": "rename_cameras", "cameras": {new: old}},)
    return Planted(("camera_keys",), (), None, new, fixes, True)


@defect("no_camera", "no camera at all")
def no_camera(folder: Path, strength: Strength, _: np.random.Generator) -> Planted:
    camera = camera_keys(folder)[0]
    edit_info(folder, lambda info: info["features"].pop(camera))
    if strength != "mild":
        shutil.rmtree(folder / "videos")
    if strength == "strong":
        file = folder / EPISODES_FILE
        table = read_table(file)
        gone = [name for name in table.column_names if camera in name]
        pq.write_table(table.drop_columns(gone), file)
    return Planted(("camera_keys", "schema"))


@defect("empty_task", "a task string without words")
def empty_task(folder: Path, strength: Strength, _: np.random.Generator) -> Planted:
    old = _tasks(folder)
    _set_tasks(folder, [by_strength(strength, "  ", "", "\n"), *old[1:]], episodes=True)
    fixes = ({"fix": "fill_tasks", "tasks": old},)
    return Planted(("task_strings",), (), None, "task", fixes, True)


@defect("placeholder_task", "a task string that says nothing")
def placeholder_task(folder: Path, strength: Strength, _: np.random.Generator) -> Planted:
    old = _tasks(folder)
    text = by_strength(strength, "Describe the task here.", "task", "n/a")
    _set_tasks(folder, [text, *old[1:]], episodes=True)
    fixes = ({"fix": "fill_tasks", "tasks": old},)
    return Planted(("task_strings",), (), None, "task", fixes, True)


@defect("unknown_task", "rows whose task is not in the list of tasks")
def unknown_task(folder: Path, strength: Strength, rng: np.random.Generator) -> Planted:
    episode = pick_episode(folder, rng)
    own = rows_of(folder, episode)
    frame = int(rng.integers(len(own)))
    index = vector(read_rows(folder), "task_index")
    chosen = by_strength(strength, own[frame : frame + 1], own, np.arange(len(index)))
    index[chosen] = by_strength(strength, 7, 99, -1)
    edit_rows(folder, task_index=index)
    frames = (frame, frame) if strength == "mild" else None
    episodes = () if strength == "strong" else (episode,)
    fixes = ({"fix": "fill_tasks", "tasks": _tasks(folder)},)
    return Planted(("task_strings",), episodes, frames, "task_index", fixes, False)


@defect("episode_task_unknown", "an episode with a task that is not in the list of tasks, or none")
def episode_task_unknown(folder: Path, strength: Strength, rng: np.random.Generator) -> Planted:
    episode = pick_episode(folder, rng)
    value: list[str] = by_strength(strength, ["Put it there."], [""], [])

    def restate(columns: dict[str, list[Any]]) -> None:
        columns["tasks"][episode] = value

    edit_episodes(folder, restate)
    fixes = ({"fix": "fill_tasks", "tasks": _tasks(folder)},)
    return Planted(("task_strings",), (episode,), None, None, fixes, False)


def _convert(folder: Path, convert: Callable[[Motion], Motion], rows: Any) -> None:
    def change(state: Motion, action: Motion) -> None:
        for values in (state, action):
            values[rows] = convert(values[rows])

    edit_motion(folder, change)


def _rename_joints(folder: Path, names: list[str]) -> None:
    def rename(info: dict[str, Any]) -> None:
        for key in (STATE, ACTION):
            info["features"][key]["names"] = names

    edit_info(folder, rename)


def _rename_camera(folder: Path, old: str, new: str) -> None:
    for file in ("meta/info.json", STATS_FILE):
        text = (folder / file).read_text()
        (folder / file).write_text(text.replace(json.dumps(old), json.dumps(new)))
    file = folder / EPISODES_FILE
    table = read_table(file)
    pq.write_table(table.rename_columns([c.replace(old, new) for c in table.column_names]), file)
    (folder / "videos" / old).rename(folder / "videos" / new)


def _tasks(folder: Path) -> list[str]:
    return list(read_table(folder / TASKS_FILE)["task"].to_pylist())


def _set_tasks(folder: Path, tasks: list[str], *, episodes: bool) -> None:
    old = _tasks(folder)
    file = folder / TASKS_FILE
    pq.write_table(set_column(read_table(file), "task", tasks), file)
    if not episodes:
        return
    names = dict(zip(old, tasks, strict=True))

    def rename(columns: dict[str, list[Any]]) -> None:
        columns["tasks"] = [[names[task] for task in own] for own in columns["tasks"]]

    edit_episodes(folder, rename)


def append_task(folder: Path, text: str, *, episode: int) -> None:
    """Add a task to the list and give it to one episode."""
    file = folder / TASKS_FILE
    table = read_table(file)
    new = {"task_index": [table.num_rows], "task": [text]}
    pq.write_table(pa.concat_tables([table, pa.table(new, schema=table.schema)]), file)
    index = vector(read_rows(folder), "task_index")
    index[rows_of(folder, episode)] = table.num_rows
    edit_rows(folder, task_index=index)

    def give(columns: dict[str, list[Any]]) -> None:
        columns["tasks"][episode] = [text]

    edit_episodes(folder, give)
    edit_info(folder, lambda info: info.update(total_tasks=table.num_rows + 1))
    refresh_statistics(folder, ("task_index",))
