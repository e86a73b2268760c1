"""What a defect is, and what planting one gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from fedarm.registry import Registry

Strength = Literal["mild", "medium", "strong"]
STRENGTHS: tuple[Strength, ...] = ("mild", "medium", "strong")


@dataclass(frozen=True)
class Planted:
    """What was put into a dataset, and what a good checker says of it.

    Attributes:
        checks: Ids of checks of which one must find it at the right place.
        episodes: Episodes concerned; empty when it concerns the set as a whole.
        frames: First and last frame concerned, in that episode; None when no frame stands out.
        column: Part of the file, feature or column that the evidence names; None when none stands out.
        fixes: Hotfixes that repair it, as a configuration has them; empty when nothing can.
        lossless: Whether the repaired tables must equal the clean ones.
        tolerance: By how much values may differ then; 0 asks for the same bytes.
    """

    checks: tuple[str, ...]
    episodes: tuple[int, ...] = ()
    frames: tuple[int, int] | None = None
    column: str | None = None
    fixes: tuple[Mapping[str, Any], ...] = ()
    lossless: bool = False
    tolerance: float = 0.0


Plant = Callable[[Path, Strength, np.random.Generator], Planted]


@dataclass(frozen=True)
class Defect:
    """A registered defect.

    Attributes:
        title: What is wrong, in a few words.
        plant: Puts it into a dataset's folder, in place.
    """

    title: str
    plant: Plant

    @property
    def family(self) -> str:
        """The module that plants it."""
        return self.plant.__module__.rpartition(".")[2]


DEFECTS: Registry[Defect] = Registry("defect")


def defect(name: str, title: str) -> Callable[[Plant], Plant]:
    """Return a decorator that registers a function as a defect."""

    def decorate(plant: Plant) -> Plant:
        DEFECTS.register(name)(Defect(title, plant))
        return plant

    return decorate


def by_strength(strength: Strength, mild: Any, medium: Any, strong: Any) -> Any:
    """Return the value that belongs to a strength."""
    return {"mild": mild, "medium": medium, "strong": strong}[strength]
