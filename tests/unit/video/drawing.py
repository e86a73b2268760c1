"""Pictures with known contents: a pinhole camera that looks down at cubes and discs, and videos."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import av
import cv2
import numpy as np

SIZE_PX = 224
HALF_CUBE_M = 0.015
DISC_RADIUS_M = 0.04


def picture(
    *,
    cubes: Sequence[tuple[tuple[float, float, float], tuple[int, int, int]]] = (),
    discs: Sequence[tuple[tuple[float, float], tuple[int, int, int]]] = (),
    floor: tuple[int, int, int] = (176, 160, 140),
    elevation_deg: float = 45.0,
) -> np.ndarray:
    """Draw discs `((x, y), rgb)` on the floor and cubes `((x, y, z of the base), rgb)`, in metres.

    x points to the right and y away from the camera, which looks at the origin from 0.5 m.
    """
    image = np.full((SIZE_PX * 4, SIZE_PX * 4, 3), floor, np.uint8)
    angles = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    for (x, y), rgb in discs:
        ring = np.stack(
            [x + DISC_RADIUS_M * np.cos(angles), y + DISC_RADIUS_M * np.sin(angles), 0 * angles], 1
        )
        _fill(image, _project(ring, elevation_deg), rgb)
    # The far one first, and of two at one place the lower one.
    for base, rgb in sorted(cubes, key=lambda cube: (-cube[0][1], cube[0][2])):
        for face, shade in _faces(np.array(base)):
            _fill(image, _project(face, elevation_deg), tuple(int(level * shade) for level in rgb))
    return cv2.resize(image, (SIZE_PX, SIZE_PX), interpolation=cv2.INTER_AREA)


def write_video(
    file: Path,
    frames: Sequence[np.ndarray],
    *,
    fps: int = 30,
    crf: int = 18,
    header_first: bool = True,
    preset: str = "medium",
) -> Path:
    """Write RGB frames as h264."""
    options = {"movflags": "+faststart"} if header_first else {}
    with av.open(str(file), "w", options=options) as container:
        stream = container.add_stream("libx264", rate=fps)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": str(crf), "preset": preset}
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    return file


def _project(points: np.ndarray, elevation_deg: float) -> np.ndarray:
    pitch = np.radians(elevation_deg)
    depth = 0.5 + points[:, 1] * np.cos(pitch) - points[:, 2] * np.sin(pitch)
    up = points[:, 1] * np.sin(pitch) + points[:, 2] * np.cos(pitch)
    focal_px = 4 * SIZE_PX * 1.2
    centre = 2 * SIZE_PX
    return np.stack(
        [centre + focal_px * points[:, 0] / depth, centre - focal_px * up / depth], axis=1
    )


def _faces(base: np.ndarray) -> list[tuple[np.ndarray, float]]:
    """The faces of an upright cube that the camera can see: sides, front, top."""
    corners = {
        (i, j, k): base + np.array([i, j, k + 1]) * HALF_CUBE_M
        for i in (-1, 1)
        for j in (-1, 1)
        for k in (-1, 1)
    }
    side = 1 if base[0] < 0 else -1
    return [
        (np.array([corners[side, j, k] for j, k in ((-1, -1), (1, -1), (1, 1), (-1, 1))]), 0.6),
        (np.array([corners[i, -1, k] for i, k in ((-1, -1), (1, -1), (1, 1), (-1, 1))]), 0.75),
        (np.array([corners[i, j, 1] for i, j in ((-1, -1), (1, -1), (1, 1), (-1, 1))]), 1.0),
    ]


def _fill(image: np.ndarray, polygon: np.ndarray, rgb: tuple[int, ...]) -> None:
    cv2.fillPoly(image, [np.round(polygon * 16).astype(np.int32)], rgb, cv2.LINE_AA, 4)
