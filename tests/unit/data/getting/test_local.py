"""Datasets in folders: copied, never changed, and refused when they are not what was planned with."""

import json
from pathlib import Path

import pytest

from fedarm.config_datasets import LocalDataset
from fedarm.data.getting.version import fetch_version
from fedarm.errors import DataError
from fedarm.local_datasets import digest_content

from .conftest import info


@pytest.fixture
def folder(tmp_path, files) -> Path:
    root = tmp_path / "mine"
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    return root


def fetch(root, paths, *, trained=True, **changes):
    section = LocalDataset(source="local", path=str(root), held_out=1).model_copy(update=changes)
    fetch_version(section, paths, recipe=section.recipe(), trained=trained)


def written(root: Path) -> dict[str, bytes]:
    found = (path for path in root.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in found}


def test_the_datasets_files_and_no_others(folder, files, paths):
    before = written(folder)
    fetch(folder, paths, content=digest_content(folder))
    assert written(paths.dataset) == {name: data for name, data in files.items() if "/" in name}
    assert written(folder) == before
    assert not any(path.is_symlink() for path in paths.dataset.rglob("*"))


def test_the_same_content_is_the_same_manifest_wherever_it_lies(folder, paths):
    fetch(folder, paths)
    first = paths.manifest.read_bytes()
    fetch(folder.rename(folder.with_name("moved")), paths)
    assert paths.manifest.read_bytes() == first


def test_a_dataset_that_changed_after_planning(folder, paths):
    content = digest_content(folder)
    (folder / "data/chunk-000/file-000.parquet").write_bytes(b"recorded anew")
    with pytest.raises(DataError, match="changed since the experiment was planned"):
        fetch(folder, paths, content=content)
    assert not paths.root.exists()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"total_episodes": 0}, "empty"),
        ({"total_episodes": 1}, "too few episodes: 1, and with those held out 2"),
        ({"features": {}}, "no camera"),
        ({"codebase_version": "v1.0"}, "format version"),
    ],
)
def test_useless_datasets_are_refused(folder, paths, changes, says):
    (folder / "meta/info.json").write_text(json.dumps(info(**changes)))
    with pytest.raises(DataError, match=says):
        fetch(folder, paths)
    assert not paths.root.exists()


def test_an_unseen_dataset_may_hold_out_all(folder, paths):
    (folder / "meta/info.json").write_text(json.dumps(info(total_episodes=1)))
    fetch(folder, paths, trained=False)
    assert paths.manifest.exists()


def test_no_dataset_at_all(tmp_path, paths):
    with pytest.raises(DataError, match="not a LeRobot dataset"):
        fetch(tmp_path, paths)
    (tmp_path / "meta").mkdir()
    (tmp_path / "meta/info.json").write_text("{")
    with pytest.raises(DataError, match="not valid JSON"):
        fetch(tmp_path, paths)
    assert not paths.root.exists()


def test_what_a_killed_job_has_left_is_cleared_away(folder, paths):
    (paths.root / ".getting/converted").mkdir(parents=True)
    fetch(folder, paths)
    assert sorted(path.name for path in paths.root.iterdir()) == [
        "dataset",
        "hotfixes.json",
        "manifest.json",
    ]
