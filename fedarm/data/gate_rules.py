"""The gate's rules on what datasets say of themselves: version, rate, features, joints, cameras.

Rules on their values are in `gate_values.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from fedarm.data.calibration import canonical_names
from fedarm.data.camera_names import match_cameras
from fedarm.data.gate_finding import Disagreement, HotfixProposal, Member, dissenters, gate_rule
from fedarm.data.gate_values import propose_conversion
from fedarm.data.info import ACTION, STATE

_LEAVE_OUT = "leave one of them out"


@gate_rule(
    "dataset_version",
    severity="error",
    measures="whether all datasets are of one LeRobot format version",
)
def find_versions(members: Sequence[Member]) -> Iterator[Disagreement]:
    """Compare `codebase_version`."""
    for first, second in dissenters(members, lambda m: m.summary.codebase_version):
        yield Disagreement(
            first.name,
            second.name,
            key="codebase_version",
            values=(first.summary.codebase_version, second.summary.codebase_version),
            message="datasets of two format versions",
            remedy="convert the older one: `source: hub` and `source: local` do it when they get it",
        )


@gate_rule(
    "fps", severity="error", measures="whether all datasets have one number of frames a second"
)
def find_fps(members: Sequence[Member]) -> Iterator[Disagreement]:
    """Compare `fps`: a chunk of actions lasts as long as its frames."""
    for first, second in dissenters(members, lambda m: m.summary.fps):
        fps = (first.summary.fps, second.summary.fps)
        yield Disagreement(
            first.name,
            second.name,
            key="fps",
            values=fps,
            message="one step of a policy would last two different times",
            remedy=f"if {second.name} was in truth recorded at {fps[0]:g} frames a second, correct its"
            " stamp; otherwise record it again at that rate, or leave it out",
            proposal=HotfixProposal(second.name, {"fix": "correct_fps", "fps": int(fps[0])})
            if fps[0].is_integer()
            else None,
        )


@gate_rule(
    "features",
    severity="error",
    measures="whether all datasets have the same observations and actions, of one kind and shape",
)
def find_features(members: Sequence[Member]) -> Iterator[Disagreement]:
    """Compare the kind and shape of what a policy reads, cameras aside."""
    keys = sorted({key for member in members for key in member.summary.features if _is_read(key)})
    for key in keys:
        for first, second in dissenters(members, partial(_feature_text, key=key)):
            texts = (_feature_text(first, key), _feature_text(second, key))
            yield Disagreement(
                first.name,
                second.name,
                key=f"features.{key}",
                values=texts,
                message="a feature that a policy reads is not the same",
                remedy=f"record the same features, or {_LEAVE_OUT}",
                # A further observation is not read by the policies here; a shape that differs is.
                doubtful=key not in (STATE, ACTION) and "missing" in texts,
            )


@gate_rule(
    "joints", severity="error", measures="whether all datasets name the same joints in one order"
)
def find_joints(members: Sequence[Member]) -> Iterator[Disagreement]:
    """Compare joint names: a column means the same joint everywhere."""
    for key in (STATE, ACTION):
        for first, second in dissenters(members, partial(_joint_names, key=key)):
            yield _joint_disagreement(key, first, second)


def _joint_disagreement(key: str, first: Member, second: Member) -> Disagreement:
    names = (first.summary.joints[key], second.summary.joints[key])
    today = tuple(canonical_names(each) for each in names)
    proposal: HotfixProposal | None = None
    if len(names[0]) != len(names[1]):
        message = f"{len(names[0])} joints against {len(names[1])}: no hotfix reconciles them"
        remedy = f"these robots differ: {_LEAVE_OUT}"
    elif today[0] == today[1]:
        message = "the same joints under two names"
        # Renamed alone, legacy degrees would pass for today's.
        conversion = propose_conversion(first, second)
        proposal = conversion or _renaming(second, names)
        remedy = "convert the era, which renames too" if conversion else "rename them"
    elif sorted(today[0]) == sorted(today[1]):
        message = "the same joints in another order: columns would change places"
        remedy = f"write the columns of {second.name} in the order of {first.name}"
    else:
        message = "joints of other names"
        remedy = (
            f"if they are the same joints in the same order, rename them; otherwise {_LEAVE_OUT}"
        )
        proposal = _renaming(second, names)
    return Disagreement(
        first.name,
        second.name,
        key=f"features.{key}.names",
        values=(list(names[0]), list(names[1])),
        message=message,
        remedy=remedy,
        proposal=proposal,
    )


def _renaming(member: Member, names: tuple[Sequence[str], Sequence[str]]) -> HotfixProposal | None:
    renamed = {old: new for new, old in zip(*names, strict=True) if old != new}
    if not set(renamed).isdisjoint(renamed.values()):
        return None
    return HotfixProposal(member.name, {"fix": "rename_joints", "joints": renamed})


@gate_rule("cameras", severity="error", measures="whether all datasets have the same camera keys")
def find_cameras(members: Sequence[Member]) -> Iterator[Disagreement]:
    """Compare camera keys: LeRobot ignores a camera of another name without a word."""
    for first, second in dissenters(members, lambda m: tuple(sorted(m.summary.cameras))):
        keys = (sorted(first.summary.cameras), sorted(second.summary.cameras))
        mapping = match_cameras(first.summary.cameras, second.summary.cameras)
        common = set(keys[0]) & set(keys[1])
        message = "cameras of other names" if common else "the two have no camera in common"
        if mapping is None:
            missing = ", ".join(sorted(set(keys[0]) - set(keys[1]))) or "none"
            extra = ", ".join(sorted(set(keys[1]) - set(keys[0]))) or "none"
            remedy = (
                f"{second.name} lacks {missing} and has {extra} besides; no hotfix adds or guesses a"
                f" camera: rename by hand what is the same view, or {_LEAVE_OUT}"
            )
        else:
            remedy = "rename them, after a look at whether each is the same view"
        yield Disagreement(
            first.name,
            second.name,
            key="cameras",
            values=keys,
            message=message,
            remedy=remedy,
            proposal=None
            if mapping is None
            else HotfixProposal(second.name, {"fix": "rename_cameras", "cameras": mapping}),
        )


@gate_rule(
    "camera_sizes",
    severity="warning",
    measures="whether a camera's picture has one size everywhere",
)
def find_camera_sizes(members: Sequence[Member]) -> Iterator[Disagreement]:
    """Compare picture sizes of cameras with one key."""
    for key in sorted({key for member in members for key in member.summary.cameras}):
        for first, second in dissenters(members, partial(_camera_size, key=key)):
            yield Disagreement(
                first.name,
                second.name,
                key=f"cameras.{key}",
                values=(_size_text(first, key), _size_text(second, key)),
                message="one camera has pictures of two sizes",
                remedy="pictures are shrunk to the policy's size: check that neither is squeezed"
                " out of shape or cut to another field of view",
            )


def _is_read(key: str) -> bool:
    return key == ACTION or key.startswith(("observation.", "action."))


def _joint_names(member: Member, key: str) -> tuple[str, ...] | None:
    return member.summary.joints.get(key)


def _feature_text(member: Member, key: str) -> str:
    feature = member.summary.features.get(key)
    if feature is None:
        return "missing"
    # How many joints there are is for the rule on joints, which can say which.
    return feature.dtype if key in (STATE, ACTION) else f"{feature.dtype} {list(feature.shape)}"


def _camera_size(member: Member, key: str) -> tuple[int, int] | None:
    camera = member.summary.cameras.get(key)
    return None if camera is None else (camera.height, camera.width)


def _size_text(member: Member, key: str) -> str:
    camera = member.summary.cameras[key]
    return f"{camera.width} x {camera.height}"
