"""Writes are whole or absent."""

import pytest

from fedarm.errors import ResultsError
from fedarm.paths import atomic_dir, atomic_file, read_json, write_atomic, write_json


def test_failed_write_leaves_the_old_file(tmp_path):
    target = tmp_path / "a.json"
    write_json(target, {"old": 1})
    with pytest.raises(ZeroDivisionError), atomic_file(target) as temporary:
        temporary.write_text(f"half{1 / 0}")
    assert read_json(target) == {"old": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_failed_folder_leaves_the_old_folder(tmp_path):
    target = tmp_path / "folder"
    with atomic_dir(target) as temporary:
        (temporary / "x").write_text("old")
    with pytest.raises(ZeroDivisionError), atomic_dir(target) as temporary:
        (temporary / "x").write_text(f"new{1 / 0}")
    assert (target / "x").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_unwritable_target_names_the_file_and_a_remedy(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ResultsError, match=r"(?s)/file.*remedy: .*results_dir"):
        write_atomic(tmp_path / "file" / "x", "text")


def test_broken_json_is_named(tmp_path):
    file = tmp_path / "a.json"
    file.write_text("{")
    with pytest.raises(ResultsError, match=r"a\.json"):
        read_json(file)
    with pytest.raises(ResultsError, match="missing"):
        read_json(tmp_path / "b.json")
