"""Which camera of one dataset is which camera of another, guessed from their names and sizes."""

from __future__ import annotations

from collections.abc import Mapping

from fedarm.data.summary import Camera

_ON_THE_ARM = frozenset({"wrist", "gripper", "hand", "handeye", "arm", "eef"})
# What people call the same place on or around a robot.
_VIEWS: tuple[frozenset[str], ...] = (
    _ON_THE_ARM,
    frozenset({"top", "up", "above", "overhead", "birdseye", "ceiling"}),
    frozenset({"side", "left", "right", "lateral"}),
    frozenset({"front", "base", "scene", "main", "external", "laptop", "webcam", "phone"}),
)


def match_cameras(
    wanted: Mapping[str, Camera], present: Mapping[str, Camera]
) -> dict[str, str] | None:
    """Return which keys of `present` to rename to which of `wanted`, or None if nothing settles it.

    Cameras with one key in both are the same. Of the others, those of one kind of view (`up` and `top`)
    go together, and a last pair on both sides is one by exclusion, unless one moves with the arm and the
    other is known not to.

    Args:
        wanted: The cameras that a dataset should have, by feature key.
        present: Those that it has.
    """
    missing = sorted(set(wanted) - set(present))
    extra = sorted(set(present) - set(wanted))
    if len(missing) != len(extra):
        return None
    mapping: dict[str, str] = {}
    for view in _VIEWS:
        targets = [key for key in missing if _words(key) & view]
        sources = [key for key in extra if _words(key) & view]
        if len(targets) == len(sources) == 1:
            mapping[sources[0]] = targets[0]
    targets = [key for key in missing if key not in mapping.values()]
    sources = [key for key in extra if key not in mapping]
    if len(targets) > 1 or any(map(_contradict, targets, sources)):
        return None
    return mapping | dict(zip(sources, targets, strict=True))


def _contradict(first: str, second: str) -> bool:
    return {_moves(first), _moves(second)} == {True, False}


def _moves(key: str) -> bool | None:
    """Return whether a camera moves with the arm; None when its name does not say."""
    known = [view for view in _VIEWS if _words(key) & view]
    return None if len(known) != 1 else known[0] is _ON_THE_ARM


def _words(key: str) -> set[str]:
    name = key.rpartition(".")[2].lower()
    return set(name.replace("-", "_").split("_"))
