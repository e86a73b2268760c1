"""A hub on this machine, its client pointed at it, and small datasets to put there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fedarm.paths import DatasetPaths

from .hub_server import Hub, serve

REPO = "somebody/cubes"


@pytest.fixture
def files() -> dict[str, bytes]:
    """A dataset's files, as far as getting looks at them, and two that are none of it."""
    return {
        "README.md": b"about",
        ".gitattributes": b"*.mp4 filter=lfs",
        "meta/info.json": json.dumps(info()).encode(),
        "meta/stats.json": b"{}",
        "meta/tasks.parquet": b"tasks",
        "meta/episodes/chunk-000/file-000.parquet": b"episodes",
        "data/chunk-000/file-000.parquet": bytes(range(256)) * 800,
        "videos/observation.images.top/chunk-000/file-000.mp4": bytes(range(255, -1, -1)) * 1600,
    }


def info(**changes: Any) -> dict[str, Any]:
    camera = {"dtype": "video", "shape": [8, 8, 3]}
    return {
        "codebase_version": "v3.0",
        "total_episodes": 5,
        "features": {"observation.images.top": camera},
        **changes,
    }


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub that the client in this process talks to, with an empty cache; nobody waits."""
    import time

    from huggingface_hub import constants

    with serve() as server:
        monkeypatch.setattr(constants, "ENDPOINT", server.endpoint)
        template = server.endpoint + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HOME", str(tmp_path / "home"))
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "home/hub"))
        monkeypatch.delenv("HF_TOKEN", raising=False)
        monkeypatch.setattr(time, "sleep", lambda _: None)
        yield server


@pytest.fixture
def go_offline(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Return a function that puts the client into its offline mode."""
    from huggingface_hub import close_session, constants

    def switch() -> None:
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
        close_session()

    yield switch
    close_session()


@pytest.fixture
def paths(tmp_path: Path) -> DatasetPaths:
    """Where a version is written."""
    return DatasetPaths(tmp_path / "results/datasets/cubes/0123456789ab")
