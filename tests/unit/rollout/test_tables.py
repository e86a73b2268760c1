"""The table has its columns, types and the same bytes each time."""

import pyarrow.parquet as pq
import pytest

from fedarm.rollout.tables import write_episodes

ROW = {
    "arm": "local",
    "run": "local_pickplace",
    "seed": 1,
    "round": 15,
    "final": True,
    "dataset": "pickplace",
    "task": "pickplace",
    "variant": "standard",
    "unseen": False,
    "initial_conditions": "pickplace-standard-seed0-v1",
    "episode": 0,
    "initial_condition_seed": (1 << 63) - 1,
    "success": True,
    "steps": 36,
    "duration_s": 3.6,
    "return": 1.0,
    "checkpoint_sha256": "ab" * 32,
    "object_goal_distance_m": 0.012,
}


def test_rows_come_back_as_they_went(tmp_path):
    rows = [ROW, ROW | {"episode": 1, "success": False, "return": 0.0}]
    write_episodes(tmp_path / "episodes.parquet", rows)
    assert pq.read_table(tmp_path / "episodes.parquet").to_pylist() == rows


def test_columns_have_their_types_without_any_row(tmp_path):
    write_episodes(tmp_path / "episodes.parquet", [])
    schema = pq.read_schema(tmp_path / "episodes.parquet")
    assert str(schema.field("success").type) == "bool"
    assert str(schema.field("initial_condition_seed").type) == "int64"


def test_same_rows_give_the_same_bytes_in_any_order_of_keys(tmp_path):
    write_episodes(tmp_path / "one.parquet", [ROW])
    write_episodes(tmp_path / "two.parquet", [dict(reversed(ROW.items()))])
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()


def test_row_without_a_column_is_refused(tmp_path):
    row = {name: value for name, value in ROW.items() if name != "success"}
    with pytest.raises(KeyError, match="success"):
        write_episodes(tmp_path / "episodes.parquet", [row])
    assert not list(tmp_path.iterdir())
