"""The SO-101 arm with light meshes, built once a machine.

`so101_nexus` ships MuJoCo Menagerie's SO-101 with 401,000 triangles, which a processor draws once or
twice a second. Merging the vertices of what is only seen on a 5 mm grid leaves some 10,000 triangles,
and hundreds of frames a second. Meshes that collide stay as they are: physics does not change.
"""

from __future__ import annotations

import importlib.util
import shutil
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fedarm.errors import MachineError
from fedarm.paths import atomic_dir, cache_folder
from fedarm.provenance import VERSION_DIGITS, digest_folder, digest_value

GRID_M = 0.005

_MODEL = Path("assets", "SO101_menagerie")
_MODEL_FILE = "so101.xml"
_COLLIDES = "_gripper_part"
# Raised when the way of merging changes, so that no cache of an older one is read.
_BUILD_VERSION = 1

# https://en.wikipedia.org/wiki/STL_(file_format)#Binary
_STL_HEADER_BYTES = 80
_STL_FACE = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])

Corners = NDArray[np.float32]


def light_arm() -> Path:
    """Return the arm's MJCF file with light meshes, building it if this machine has none yet.

    Two processes may build at the same time: each writes a folder of its own, and either is good.

    Raises:
        MachineError: The package that ships the arm is missing.
        ResultsError: The cache folder cannot be written.
    """
    source = _source_folder()
    recipe = [_BUILD_VERSION, GRID_M, _digest(source)]
    folder = cache_folder() / f"so101_arm_{digest_value(recipe)[:VERSION_DIGITS]}"
    if not (folder / _MODEL_FILE).is_file():
        _build(source, folder)
    return folder / _MODEL_FILE


# Every scene asks, and 15 megabytes do not change under a process.
@lru_cache(maxsize=1)
def _digest(source: Path) -> dict[str, str]:
    return digest_folder(source)


def merge_vertices(corners: Corners, grid_m: float) -> Corners:
    """Merge all vertices in a cell of a cubic grid into their mean, and drop faces without area.

    Args:
        corners: `(face, corner, xyz)`, metres.
        grid_m: Side of a cell.

    Returns:
        `(face, corner, xyz)` with at most as many faces.

    Source: Rossignac and Borrel, "Multi-resolution 3D approximations for rendering complex scenes",
        1993 (vertex clustering).
    """
    points = corners.reshape(-1, 3).astype(np.float64)
    cells = np.floor(points / grid_m).astype(np.int64)
    _, cell_of_point, sizes = np.unique(cells, axis=0, return_inverse=True, return_counts=True)
    cell_of_point = cell_of_point.reshape(-1)
    sums = np.zeros((len(sizes), 3))
    np.add.at(sums, cell_of_point, points)
    merged = sums / sizes[:, None]
    faces = cell_of_point.reshape(-1, 3)
    a, b, c = faces.T
    faces = faces[(a != b) & (b != c) & (c != a)]
    # Thin walls collapse into faces on top of each other: keep one of those with equal corners.
    _, first = np.unique(np.sort(faces, axis=1), axis=0, return_index=True)
    return np.asarray(merged[faces[np.sort(first)]], np.float32)


def read_stl(path: Path) -> Corners:
    """Return the faces `(face, corner, xyz)` of a binary STL file, in its units."""
    data = path.read_bytes()
    count = int(np.frombuffer(data, "<u4", count=1, offset=_STL_HEADER_BYTES)[0])
    faces = np.frombuffer(data, _STL_FACE, count=count, offset=_STL_HEADER_BYTES + 4)
    return np.array(faces["corners"])


def write_stl(path: Path, corners: Corners) -> None:
    """Write faces `(face, corner, xyz)` as binary STL; normals follow from the corners' order."""
    faces = np.zeros(len(corners), _STL_FACE)
    faces["corners"] = corners
    count = np.array(len(corners), "<u4")
    path.write_bytes(bytes(_STL_HEADER_BYTES) + count.tobytes() + faces.tobytes())


def _source_folder() -> Path:
    # Importing the package would pull in far more than its folder's place.
    spec = importlib.util.find_spec("so101_nexus")
    if spec is None or spec.origin is None:
        raise MachineError(
            "the package that ships the SO-101's meshes is missing",
            key="so101-nexus",
            remedy="install the locked dependencies: `make install`",
        )
    return Path(spec.origin).parent / _MODEL


def _build(source: Path, folder: Path) -> None:
    with atomic_dir(folder) as temporary:
        shutil.copy(source / _MODEL_FILE, temporary)
        shutil.copy(source / "LICENSE", temporary)
        (temporary / "assets").mkdir()
        for mesh in sorted((source / "assets").glob("*.stl")):
            target = temporary / "assets" / mesh.name
            if _COLLIDES in mesh.name:
                shutil.copy(mesh, target)
            else:
                write_stl(target, merge_vertices(read_stl(mesh), GRID_M))
