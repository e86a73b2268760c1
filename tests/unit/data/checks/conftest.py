"""A clean dataset of teleoperation, and a copy to plant defects into."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fedarm.data.checks import run_checks

from .teleop import DATA, EPISODES, VIDEO, draw, encode, write_teleop

CLEAN_EPISODES = 6


@dataclass
class Plant:
    """A dataset to damage."""

    root: Path

    def rows(self, episode: int) -> np.ndarray:
        """Positions of an episode's rows."""
        return np.flatnonzero(np.array(self.column("episode_index")) == episode)

    def column(self, key: str) -> list[Any]:
        return pq.read_table(self.root / DATA)[key].to_pylist()

    def set(self, file: str = DATA, **columns: Any) -> None:
        """Replace columns of a parquet file; a callable gets the old values as an array."""
        table = pq.read_table(self.root / file)
        for key, value in columns.items():
            key = key.replace("__", "/") if key not in table.column_names else key
            field = table.schema.field(key)
            if callable(value):
                old = np.array(table[key].to_pylist())
                changed = value(old)
                value = (old if changed is None else changed).tolist()
            position = table.schema.get_field_index(key)
            table = table.set_column(position, field, pa.array(value, type=field.type))
        pq.write_table(table, self.root / file)

    def joints(self, change, *, key: str = "observation.state") -> None:
        """Change a feature's values `(frame, joint)` in place."""
        self.set(**{key: change})

    def episodes(self, **columns: Any) -> None:
        self.set(EPISODES, **columns)

    def rename_episode_columns(self, old: str, new: str) -> None:
        table = pq.read_table(self.root / EPISODES)
        names = [name.replace(old, new) for name in table.column_names]
        pq.write_table(table.rename_columns(names), self.root / EPISODES)

    def append_task(self, task: str) -> None:
        file = self.root / "meta/tasks.parquet"
        table = pq.read_table(file)
        row = pa.table({"task_index": [table.num_rows], "task": [task]}, schema=table.schema)
        pq.write_table(pa.concat_tables([table, row]), file)

    def info(self, **changes: Any) -> None:
        file = self.root / "meta/info.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | changes))

    def stats(self, change) -> None:
        file = self.root / "meta/stats.json"
        content = json.loads(file.read_text())
        change(content)
        file.write_text(json.dumps(content))

    def video(self, change, **options: Any) -> None:
        """Draw the video anew; `change` gets the frames of the whole file."""
        frames = draw(np.array(self.column("observation.state")))
        changed = change(frames)
        encode(self.root / VIDEO, frames if changed is None else changed, **options)

    def found(self, check: str) -> list[dict[str, Any]]:
        """Return the findings of one check."""
        findings = run_checks(self.root).to_json()["findings"]
        assert all(finding["remedy"] for finding in findings)
        return [finding for finding in findings if finding["check"] == check]


@pytest.fixture(scope="session")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean dataset; do not change it."""
    root = tmp_path_factory.mktemp("teleop") / "dataset"
    write_teleop(root, episodes=CLEAN_EPISODES)
    return root


@pytest.fixture
def plant(clean: Path, tmp_path: Path) -> Plant:
    """A copy to damage."""
    root = tmp_path / "dataset"
    shutil.copytree(clean, root)
    return Plant(root)
