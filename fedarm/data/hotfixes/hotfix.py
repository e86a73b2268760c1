"""What a hotfix is, what it reports, and the registry of all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fedarm.registry import Registry


@dataclass(frozen=True)
class Touched:
    """What a hotfix changed.

    Attributes:
        rows: Rows of the data files that were changed or removed.
        frames: Video frames that were removed, re-timed or written anew.
        episodes: Indices of the episodes concerned, as they were numbered before.
        why: What was wrong, in one sentence; also what was found and could not be mended.
    """

    rows: int
    frames: int
    episodes: tuple[int, ...]
    why: str


NOTHING = "nothing to mend"

# The second argument is the hotfix's own section of the configuration.
Apply = Callable[[Path, Any], Touched]


@dataclass(frozen=True)
class Hotfix:
    """A registered repair.

    Attributes:
        repairs: Ids of the checks whose findings it mends.
        lossless: Whether the mended tables are those from before the defect, byte for byte.
        order: Place in the order in which hotfixes run, whatever the order in the configuration.
        apply: Changes a private copy of a dataset in place. Applied again, it changes nothing.
    """

    repairs: tuple[str, ...]
    lossless: bool
    order: int
    apply: Apply


HOTFIXES: Registry[Hotfix] = Registry("hotfix")


def hotfix(
    name: str, *, repairs: tuple[str, ...], lossless: bool, order: int
) -> Callable[[Apply], Apply]:
    """Return a decorator that registers a function as a hotfix.

    Args:
        name: The hotfix's id, the `fix` of its section in the configuration.
        repairs: As in `Hotfix`.
        lossless: As in `Hotfix`.
        order: As in `Hotfix`.
    """

    def decorate(apply: Apply) -> Apply:
        HOTFIXES.register(name)(Hotfix(repairs, lossless, order, apply))
        return apply

    return decorate
