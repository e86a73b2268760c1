"""Colours, floors and camera positions: what a scene looks like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Rgb = tuple[float, float, float]
Floor = Literal["mat", "planks", "plain"]


@dataclass(frozen=True)
class Colour:
    """A colour with the word that an instruction uses for it.

    Attributes:
        name: The word.
        rgb: Red, green, blue from 0 to 1.
    """

    name: str
    rgb: Rgb


RED = Colour("red", (0.80, 0.09, 0.09))
BLUE = Colour("blue", (0.10, 0.28, 0.80))
ORANGE = Colour("orange", (0.95, 0.42, 0.05))
WHITE = Colour("white", (0.93, 0.93, 0.93))


@dataclass(frozen=True)
class Look:
    """The arm's and the table's colours.

    Attributes:
        floor: Pattern of the table.
        floor_rgb: Its main colour.
        line_rgb: The colour of its lines.
        robot_rgb: The printed parts of the arm.
        motor_rgb: Its servos.
    """

    floor: Floor
    floor_rgb: Rgb
    line_rgb: Rgb
    robot_rgb: Rgb
    motor_rgb: Rgb = (0.10, 0.10, 0.11)


@dataclass(frozen=True)
class CameraShift:
    """How a camera differs from where it usually is.

    Attributes:
        offset_m: Along the picture's right, up and the view's backward axis.
        yaw_deg: Turned to its left.
        pitch_deg: Turned upwards.
    """

    offset_m: tuple[float, float, float] = (0.0, 0.0, 0.0)
    yaw_deg: float = 0.0
    pitch_deg: float = 0.0

    def __add__(self, other: CameraShift) -> CameraShift:
        """Return both shifts, one after the other."""
        x, y, z = (a + b for a, b in zip(self.offset_m, other.offset_m, strict=True))
        return CameraShift(
            (x, y, z), self.yaw_deg + other.yaw_deg, self.pitch_deg + other.pitch_deg
        )
