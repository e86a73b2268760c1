"""A recorded dataset, and copies of it to damage."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from .recording import DATA_FILE, record


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dataset as LeRobot wrote it; do not change it."""
    root = tmp_path_factory.mktemp("recorded") / "dataset"
    record(root)
    return root


@pytest.fixture
def dataset_root(recorded: Path, tmp_path: Path) -> Path:
    """A copy of the dataset that a test may damage."""
    root = tmp_path / "dataset"
    shutil.copytree(recorded, root)
    return root


@pytest.fixture
def edit_rows(dataset_root: Path) -> Callable[[Callable[[dict[str, list[Any]]], None]], None]:
    """Change the columns of the copy's only data file in place."""
    file = dataset_root / DATA_FILE

    def edit(change: Callable[[dict[str, list[Any]]], None]) -> None:
        table = pq.read_table(file)
        columns = table.to_pydict()
        change(columns)
        pq.write_table(pa.Table.from_pydict(columns, schema=table.schema), file)

    return edit


@pytest.fixture
def edit_info(dataset_root: Path) -> Callable[..., None]:
    """Set keys of the copy's meta/info.json."""

    def edit(**changes: Any) -> None:
        file = dataset_root / "meta/info.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | changes))

    return edit
