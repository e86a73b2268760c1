"""A sound dataset, a copy of it to damage, and what its content is."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from .making import make_dataset

LENGTHS = (9, 12, 7, 10, 8)
TASKS = ("put the cube down", "stack the cubes")


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dataset; do not change it."""
    root = tmp_path_factory.mktemp("sound") / "dataset"
    make_dataset(root, LENGTHS, tasks=TASKS)
    return root


@pytest.fixture
def root(sound: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    copy = tmp_path / "dataset"
    shutil.copytree(sound, copy)
    return copy
