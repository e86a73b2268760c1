"""The gate: each kind of disagreement is named with its pair, both values and the hotfix."""

from __future__ import annotations

import json

import numpy as np
import pytest
from pydantic import TypeAdapter

from fedarm.config_hotfixes import AnyFix
from fedarm.data.camera_names import match_cameras
from fedarm.data.gate import run_gate
from fedarm.data.gate_finding import GATE_RULES
from fedarm.data.summary import Camera
from fedarm.errors import DataError

from .recording import JOINTS
from .summaries import TOP, motions, summary

LEGACY = tuple(f"main_{name.removesuffix('.pos')}" for name in JOINTS)
FIX = TypeAdapter(AnyFix)


def findings(*clients, **groups):
    """Return the gate's findings, after a look at whether the report and its proposals are usable."""
    report = run_gate(clients, **groups).to_json()
    json.dumps(report, allow_nan=False)
    assert report["passed"] is not any(f["severity"] == "error" for f in report["findings"])
    for finding in report["findings"]:
        assert len(finding["values"]) == 2
        if finding["hotfix"]:
            for fix in finding["hotfix"]["hotfixes"]:
                FIX.validate_python(fix)
    return report["findings"]


def only(found, rule):
    assert [finding["rule"] for finding in found] == [rule]
    return found[0]


def test_clients_with_other_motions_and_tasks_fit_together():
    clients = [summary(name) for name in ("a", "bb", "ccc")]

    report = run_gate(clients, unseen=[summary("dddd")], pool=[summary("eeeee")])
    assert report.findings == ()
    report.require_passed()
    assert {entry["rule"] for entry in report.to_json()["rules"]} == set(GATE_RULES)


def test_the_lab_passes_though_its_tasks_differ():
    """Scripted demonstrations of all four tasks, and of other looks and a moved camera."""
    from fedarm.sim.expert import demonstrate
    from fedarm.sim.tasks import JOINTS as LAB_JOINTS

    from .summaries import dataset, summarize

    def client(task, variant, seed):
        shown = [demonstrate(task, variant, seed=seed + k, image_size=32) for k in range(2)]
        made = dataset([each.actions for each in shown], fps=10.0, joints=LAB_JOINTS)
        states = np.concatenate([each.states for each in shown]).astype(np.float32)
        object.__setattr__(made, "state", states)
        return summarize(made, {"features": {}}, name=f"{task}_{variant}")

    clients = [
        client(task, "standard", seed)
        for seed, task in ((10, "pickplace"), (20, "stacking"), (30, "so101_pickplace"))
    ]
    unseen = [client("sorting", "moved_camera", 40)]
    assert findings(*clients, unseen=unseen) == []


def test_the_odd_one_of_three_is_named_once():
    found = findings(summary("a"), summary("bb", fps=10.0), summary("ccc"))

    finding = only(found, "fps")
    assert finding["pair"] == ["a", "bb"]
    assert finding["values"] == [30.0, 10.0]
    assert finding["hotfix"] == {"dataset": "bb", "hotfixes": [{"fix": "correct_fps", "fps": 30}]}


def test_an_unseen_set_must_fit_the_clients_and_not_they_it():
    found = findings(summary("a"), unseen=[summary("x", fps=10.0), summary("y", fps=10.0)])

    assert [finding["pair"] for finding in found] == [["a", "x"], ["a", "y"]]


def test_mixed_fps_stop_with_a_message_that_names_both():
    report = run_gate([summary("lab_a"), summary("lab_b", fps=10.0)])

    with pytest.raises(
        DataError, match=r"(?s)lab_a and lab_b, fps: 30\.0 against 10\.0.*correct_fps"
    ):
        report.require_passed()


def test_format_versions_are_compared():
    older = summary("bb").model_copy(update={"codebase_version": "v2.1"})

    finding = only(findings(summary("a"), older), "dataset_version")
    assert finding["values"] == ["v3.0", "v2.1"]


def test_a_camera_of_another_name_gets_the_others_name():
    other = "observation.images.up"
    finding = only(findings(summary("a"), summary("bb", cameras=(other,))), "cameras")

    assert "no camera in common" in finding["message"]
    assert finding["values"] == [[TOP], [other]]
    assert finding["hotfix"] == {
        "dataset": "bb",
        "hotfixes": [{"fix": "rename_cameras", "cameras": {other: TOP}}],
    }


def test_no_common_camera_without_a_way_out_says_so():
    wrist = "observation.images.wrist"
    report = run_gate([summary("a"), summary("bb", cameras=(wrist,))])

    assert report.findings[0].to_json()["hotfix"] is None
    with pytest.raises(
        DataError, match=r"(?s)no camera in common.*bb lacks observation\.images\.top"
    ):
        report.require_passed()


@pytest.mark.parametrize(
    ("wanted", "present", "mapping"),
    [
        (["front", "wrist"], ["gripper", "laptop"], {"gripper": "wrist", "laptop": "front"}),
        (["top", "side"], ["up", "camera1"], {"up": "top", "camera1": "side"}),
        (["top", "side"], ["camera1", "camera2"], None),
        (["top", "wrist"], ["top"], None),
        (["top"], ["wrist"], None),
        (["top"], ["top"], {}),
    ],
)
def test_cameras_are_matched_by_view_then_by_exclusion(wanted, present, mapping):
    cameras = [{name: Camera(height=8, width=8) for name in names} for names in (wanted, present)]
    assert match_cameras(*cameras) == mapping


def test_picture_sizes_are_a_warning():
    finding = only(findings(summary("a"), summary("bb", size=(480, 480))), "camera_sizes")

    assert (finding["severity"], finding["values"]) == ("warning", ["640 x 480", "480 x 480"])


def test_joints_in_another_order_are_found():
    turned = (JOINTS[1], JOINTS[0], *JOINTS[2:])
    found = findings(summary("a"), summary("bb", joints=turned))

    assert [finding["rule"] for finding in found] == ["joints", "joints"]
    assert [finding["key"] for finding in found] == [
        "features.observation.state.names",
        "features.action.names",
    ]
    assert "another order" in found[0]["message"]
    assert found[0]["hotfix"] is None


def test_joints_under_other_names_are_renamed():
    renamed = tuple(name.removesuffix(".pos") for name in JOINTS)
    found = findings(summary("a"), summary("bb", joints=renamed))

    assert {finding["rule"] for finding in found} == {"joints"}
    (fix,) = found[0]["hotfix"]["hotfixes"]
    assert fix["joints"] == dict(zip(renamed, JOINTS, strict=True))


def test_joints_that_cannot_be_reconciled_stop():
    five = [motion[:, :5] for motion in motions(3)]
    report = run_gate([summary("a"), summary("bb", five, joints=JOINTS[:5])])

    assert all(finding.disagreement.proposal is None for finding in report.findings)
    with pytest.raises(DataError, match=r"(?s)6 joints against 5.*leave one of them out"):
        report.require_passed()


def test_legacy_names_are_converted_and_not_only_renamed():
    found = findings(summary("a"), summary("bb", legacy(motions(7)), joints=LEGACY))

    assert {finding["rule"] for finding in found} == {"joints", "units"}
    for finding in found:
        assert finding["hotfix"] == {
            "dataset": "bb",
            "hotfixes": [{"fix": "convert_era", "from": "legacy_degrees", "to": "degrees"}],
        }


def test_legacy_degrees_under_todays_names_are_told_from_the_other_clients():
    """Its own values do not give the era away: beyond 100, as degrees may be, and not beyond 125."""
    odd = summary("bb", legacy(motions(7)))
    assert odd.calibration.era != "legacy_degrees"

    for order in ((summary("a"), odd), (odd, summary("a"))):
        finding = only(findings(*order), "units")
        assert finding["severity"] == "error"
        assert finding["pair"] == ["a", "bb"]
        assert finding["values"] == ["degrees", "legacy_degrees"]
        assert finding["hotfix"]["dataset"] == "bb"


def test_declared_eras_that_differ_are_an_error():
    declared = summary("bb").calibration.model_copy(update={"era": "normalized", "confident": True})
    degrees = declared.model_copy(update={"era": "degrees"})
    first, second = (
        summary(name).model_copy(update={"calibration": calibration})
        for name, calibration in (("a", degrees), ("bb", declared))
    )

    finding = only(findings(first, second), "units")
    assert finding["severity"] == "error"
    assert finding["hotfix"]["hotfixes"] == [
        {"fix": "convert_era", "from": "normalized", "to": "degrees"}
    ]
    # Whoever is first: towards degrees.
    assert only(findings(second, first), "units")["hotfix"]["dataset"] == "bb"


def test_a_guess_that_may_be_wrong_is_a_warning():
    calibration = summary("bb").calibration
    first, second = (
        summary(name).model_copy(
            update={"calibration": calibration.model_copy(update={"era": era, "confident": sure})}
        )
        for name, era, sure in (("a", "degrees", True), ("bb", "legacy_degrees", False))
    )
    assert only(findings(first, second), "units")["severity"] == "warning"


def test_radians_are_found():
    radians = [np.radians(motion) for motion in motions(4)]
    finding = only(findings(summary("a"), summary("bb", radians)), "action_range")

    assert "radians" in finding["message"]
    assert finding["values"][1] == pytest.approx(np.pi / 180, rel=0.3)


def test_a_joint_with_another_zero_is_found():
    moved = [motion + np.array([0, 0, 0, 0, 150, 0]) for motion in motions(4)]
    finding = only(findings(summary("a"), summary("bb", moved)), "action_range")

    assert finding["key"] == "ranges.action.wrist_roll"
    assert finding["values"][0][1] < finding["values"][1][0]


def test_an_episode_in_two_clients_is_found_though_trimmed_and_converted():
    mine, theirs = motions(1, episodes=4), motions(2, episodes=3)
    theirs[1] = legacy([mine[2]])[0][10:]
    finding = only(
        [f for f in findings(summary("a", mine), summary("bb", theirs)) if f["rule"] == "leakage"],
        "leakage",
    )

    assert finding["severity"] == "error"
    assert finding["values"] == [[2], [1]]
    assert finding["hotfix"] == {
        "dataset": "bb",
        "hotfixes": [{"fix": "drop_episodes", "episodes": [1]}],
    }


def test_an_episode_of_an_unseen_set_is_taken_out_of_training():
    mine = motions(1, episodes=4)
    for groups in ({"clients": ("a",), "pool": ()}, {"clients": ("z",), "pool": ("a",)}):
        found = run_gate(
            [summary(name, mine if name == "a" else None) for name in groups["clients"]],
            pool=[summary(name, mine) for name in groups["pool"]],
            unseen=[summary("u", [mine[3]])],
        ).to_json()["findings"]

        finding = only(found, "leakage")
        assert finding["pair"] == ["a", "u"]
        assert finding["hotfix"]["dataset"] == "a"
        assert finding["hotfix"]["hotfixes"][0]["episodes"] == [3]


def test_sketches_of_two_salts_are_not_compared_silently():
    finding = only(findings(summary("a"), summary("bb", salt="another")), "leakage")

    assert finding["key"] == "salt"
    assert "unknown" in finding["message"]


def test_a_further_observation_is_a_warning_and_another_shape_an_error():
    plain, more, other = (summary(name) for name in ("a", "bb", "ccc"))
    features = {**plain.features, "observation.force": plain.features["action"]}
    more = more.model_copy(update={"features": features})
    assert only(findings(plain, more), "features")["severity"] == "warning"

    wider = features["observation.force"].model_copy(update={"shape": (3,)})
    other = other.model_copy(update={"features": {**features, "observation.force": wider}})
    assert only(findings(more, other), "features")["severity"] == "error"


def test_two_datasets_of_one_name_are_refused():
    with pytest.raises(DataError, match="one name"):
        run_gate([summary("a"), summary("a")])


def test_one_dataset_fits_itself():
    assert findings(summary("a")) == []


def legacy(shown):
    """Return motions as they were recorded before June 2025."""
    return [
        motion * np.array([1, -1, 1, 1, 1, 1]) + np.array([0, 90, 90, 0, 0, 0]) for motion in shown
    ]
