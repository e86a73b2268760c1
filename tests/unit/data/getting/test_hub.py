"""Whatever the hub does: a whole dataset, or a message that says what to do and nothing written."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest

from fedarm.config_datasets import HubDataset
from fedarm.config_hotfixes import RenameCameras
from fedarm.data.getting.failures import ATTEMPTS
from fedarm.data.getting.version import fetch_version
from fedarm.errors import DataError, FedarmError, MachineError, ResultsError

from .conftest import REPO, info
from .hub_server import COMMIT, Fault, sha256

VIDEO = "videos/observation.images.top/chunk-000/file-000.mp4"
DATA = "data/chunk-000/file-000.parquet"


def fetch(paths, **changes):
    section = HubDataset(source="hub", repo_id=REPO, held_out=1).model_copy(update=changes)
    fetch_version(section, paths, recipe=section.recipe(), trained=True)


def refuse(paths, kind: type[FedarmError] = DataError, **changes) -> str:
    """Return the message of a fetch that fails and leaves no dataset behind."""
    with pytest.raises(kind) as caught:
        fetch(paths, **changes)
    message = str(caught.value)
    for part in ("file:", "key:", "value:", "remedy:"):
        assert part in message
    assert not paths.root.exists() or not list(paths.root.iterdir())
    return message


def written(root: Path) -> dict[str, bytes]:
    files = (path for path in root.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


def dataset_files(files: dict[str, bytes]) -> dict[str, bytes]:
    return {path: content for path, content in files.items() if "/" in path}


def test_the_datasets_files_and_no_others(hub, files, paths):
    hub.add(REPO, files)
    fetch(paths)
    assert written(paths.dataset) == dataset_files(files)
    assert not any(path.is_symlink() for path in paths.dataset.rglob("*"))
    assert not hub.asked("README.md")
    manifest = json.loads(paths.manifest.read_text())
    assert manifest["recipe"]["origin"]["commit"] == COMMIT
    assert manifest["files"][VIDEO] == sha256(files[VIDEO])
    assert json.loads(paths.hotfixes.read_text()) == {"schema_version": 1, "hotfixes": []}
    assert sorted(path.name for path in paths.root.iterdir()) == [
        "dataset",
        "hotfixes.json",
        "manifest.json",
    ]


def test_a_branch_is_resolved_once_and_for_every_version(hub, files, paths):
    hub.add(REPO, files)
    fetch(paths)
    hub.add(REPO, {**files, DATA: b"pushed later"}, commit="b" * 40)
    other = type(paths)(paths.root.parent / "ba9876543210")
    fetch(other)
    assert written(other.dataset) == dataset_files(files)
    record = json.loads((paths.root.parent.parent / "somebody--cubes@main.json").read_text())
    assert record["commit"] == COMMIT
    assert len(hub.asked("/revision/")) == 1


def test_a_commit_is_taken_at_its_word(hub, files, paths):
    hub.add(REPO, files)
    hub.add(REPO, {}, commit="b" * 40)
    fetch(paths, revision=COMMIT)
    assert written(paths.dataset) == dataset_files(files)
    assert not hub.asked("/revision/")
    assert not list(paths.root.parent.parent.glob("*.json"))


def test_a_second_fetch_needs_no_network(hub, files, paths, go_offline):
    hub.add(REPO, files)
    fetch(paths)
    before = written(paths.root)
    shutil.rmtree(paths.root)
    go_offline()
    asked = len(hub.requests)
    fetch(paths)
    assert written(paths.root) == before
    assert len(hub.requests) == asked


def test_offline_with_what_another_program_has_downloaded(hub, files, paths, go_offline):
    from huggingface_hub import snapshot_download

    hub.add(REPO, files)
    snapshot_download(REPO, repo_type="dataset")
    go_offline()
    fetch(paths)
    assert written(paths.dataset) == dataset_files(files)


def test_offline_without_the_dataset(hub, files, paths, go_offline):
    hub.add(REPO, files)
    go_offline()
    assert "not in the cache" in refuse(paths)
    assert "HF_HUB_OFFLINE" in refuse(paths, revision=COMMIT)
    assert not hub.requests


def test_offline_with_half_of_the_dataset(hub, files, paths, go_offline):
    from huggingface_hub import snapshot_download

    hub.add(REPO, files)
    snapshot_download(REPO, repo_type="dataset", allow_patterns=["meta/*"])
    go_offline()
    assert "not all of it" in refuse(paths)


def test_a_cut_connection_goes_on_where_it_was_cut(hub, files, paths, monkeypatch):
    from huggingface_hub import constants

    # The client keeps whole chunks, of 10 MB.
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 50_000)
    hub.add(REPO, files)
    hub.faults.append(Fault(f"GET /cdn/{sha256(files[VIDEO])}", times=2, cut_after=100_000))
    fetch(paths)
    assert written(paths.dataset) == dataset_files(files)
    resumed = [headers.get("Range") for _, headers in hub.asked(f"GET /cdn/{sha256(files[VIDEO])}")]
    assert resumed[0] is None
    assert resumed[1] == "bytes=100000-"


def test_a_connection_that_breaks_down(hub, files, paths):
    hub.add(REPO, files)
    hub.faults.append(Fault("GET /cdn/", times=3, cut_after=100_000, reset=True))
    fetch(paths)
    assert written(paths.dataset) == dataset_files(files)


def test_a_busy_hub_is_waited_for_as_long_as_it_asks(hub, files, paths, monkeypatch):
    import time

    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    hub.add(REPO, files)
    hub.faults.append(Fault("/revision/main", status=429, headers={"Retry-After": "7"}))
    hub.faults.append(Fault("GET /cdn/", status=503))
    hub.faults.append(Fault("/tree/", status=500))
    fetch(paths)
    assert written(paths.dataset) == dataset_files(files)
    assert 7 in pauses


@pytest.mark.parametrize("where", ["/revision/main", "/tree/", "HEAD", "GET /cdn/"])
@pytest.mark.parametrize("status", [429, 503])
def test_a_hub_that_stays_busy(hub, files, paths, where, status):
    hub.add(REPO, files)
    hub.faults.append(Fault(where, times=1000, status=status))
    message = refuse(paths, MachineError)
    assert "cannot be reached or does not answer" in message
    assert "try again later" in message


def test_a_hub_that_asks_for_hours(hub, files, paths):
    hub.add(REPO, files)
    hub.faults.append(Fault("/revision/", times=9, status=429, headers={"Retry-After": "7200"}))
    refuse(paths, MachineError)
    assert len(hub.requests) == 1


def test_no_hub_at_all(hub, files, paths, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:1")
    assert "http://127.0.0.1:1" in refuse(paths, MachineError)


def test_a_wrong_digest_is_downloaded_again(hub, files, paths):
    hub.add(REPO, files)
    hub.faults.append(Fault(f"GET /cdn/{sha256(files[VIDEO])}", spoil=True))
    hub.faults.append(Fault("GET /datasets/somebody/cubes/resolve/" + COMMIT, spoil=True))
    fetch(paths)
    assert written(paths.dataset) == dataset_files(files)


@pytest.mark.parametrize("path", [VIDEO, "meta/stats.json"])
def test_a_digest_that_stays_wrong(hub, files, paths, path, tmp_path):
    hub.add(REPO, files)
    where = f"GET /cdn/{sha256(files[path])}" if path == VIDEO else f"{COMMIT}/{path}"
    hub.faults.append(Fault(where, times=1000, spoil=True))
    message = refuse(paths)
    assert "another digest" in message
    assert path in message
    snapshot = tmp_path / f"home/hub/datasets--somebody--cubes/snapshots/{COMMIT}"
    assert not (snapshot / path).exists()


def test_a_file_that_rotted_in_the_cache(hub, files, paths, tmp_path):
    hub.add(REPO, files)
    fetch(paths)
    blob = tmp_path / f"home/hub/datasets--somebody--cubes/blobs/{sha256(files[DATA])}"
    blob.write_bytes(bytes(len(files[DATA])))
    fetch(paths)
    assert written(paths.dataset) == dataset_files(files)


def test_no_such_revision(hub, files, paths):
    hub.add(REPO, files)
    assert "no such revision" in refuse(paths, revision="v9.0")
    assert "no such revision" in refuse(paths, revision="c" * 40)
    assert not list(paths.root.parent.parent.glob("*.json"))


def test_no_such_repository(hub, paths):
    message = refuse(paths)
    assert "no such dataset" in message
    assert "HF_TOKEN" in message


def test_a_gated_repository(hub, files, paths, monkeypatch):
    hub.add(REPO, files)
    hub.gated.add(REPO)
    assert "accept the terms" in refuse(paths)
    monkeypatch.setenv("HF_TOKEN", "wrong")
    assert f"{hub.endpoint}/datasets/{REPO}" in refuse(paths)
    monkeypatch.setenv("HF_TOKEN", "right")
    fetch(paths)
    assert written(paths.dataset) == dataset_files(files)
    # The token is none of the content network's business.
    assert not any("Authorization" in headers for _, headers in hub.asked("/cdn/"))


@pytest.mark.parametrize("status", [401, 403])
def test_a_token_that_is_not_accepted(hub, files, paths, status, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "stale")
    hub.add(REPO, files)
    refusal = {"X-Error-Message": "Invalid credentials in Authorization header"}
    hub.faults.append(Fault("/revision/", times=9, status=status, headers=refusal))
    assert "set, but not accepted" in refuse(paths)
    assert len(hub.requests) == 1


def test_a_full_disk_is_seen_before_the_first_byte(hub, files, paths, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9 - 10**6, 10**6))
    hub.add(REPO, files)
    message = refuse(paths, MachineError)
    assert "too little room" in message
    assert "HF_HOME, results_dir" in message
    assert not hub.asked("/resolve/")


def test_a_disk_that_fills_up_on_the_way(hub, files, paths, monkeypatch):
    hub.add(REPO, files)

    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    from huggingface_hub import file_download

    with monkeypatch.context() as patch:
        patch.setattr(file_download, "http_get", full)
        assert "the disk is full" in refuse(paths, MachineError)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copytree", full)
        with pytest.raises(ResultsError, match="No space left"):
            fetch(paths)
    assert not list(paths.root.iterdir())
    fetch(paths)
    assert written(paths.dataset) == dataset_files(files)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"features": {"action": {"dtype": "float32"}}}, "no camera"),
        ({"total_episodes": 0}, "empty"),
        ({"total_episodes": 1}, "too few episodes"),
        ({"codebase_version": "v1.6"}, "format version"),
    ],
)
def test_metadata_that_shows_it_useless_costs_no_download(hub, files, paths, changes, says):
    hub.add(REPO, {**files, "meta/info.json": json.dumps(info(**changes)).encode()})
    assert says in refuse(paths)
    assert not hub.asked("/cdn/")


def test_a_repository_without_the_camera_that_is_renamed(hub, files, paths):
    hub.add(REPO, files)
    up = {"observation.images.up": "observation.images.front"}
    message = refuse(paths, hotfixes=(RenameCameras(cameras=up),))
    assert "no such camera" in message
    assert "observation.images.top" in message
    assert not hub.asked("/cdn/")


def test_a_repository_that_is_no_dataset(hub, paths):
    hub.add(REPO, {"README.md": b"about", "model.safetensors": b"weights"})
    assert "no LeRobot dataset" in refuse(paths)


KILLED = """
import sys
from pathlib import Path
from fedarm.config_datasets import HubDataset
from fedarm.data.getting.version import fetch_version
from fedarm.logging import run_script
from fedarm.paths import DatasetPaths

section = HubDataset(source="hub", repo_id="somebody/cubes", held_out=1)
run_script(lambda: fetch_version(
    section, DatasetPaths(Path(sys.argv[1])), recipe=section.recipe(), trained=True
))
"""


def test_killed_and_started_again(hub, files, paths, tmp_path):
    hub.add(REPO, files)
    environment = {
        **os.environ,
        "HF_ENDPOINT": hub.endpoint,
        "HF_HOME": str(tmp_path / "home"),
        "HF_TOKEN": "right",
    }
    hub.gated.add(REPO)
    command = [sys.executable, "-c", KILLED, str(paths.root)]
    running = subprocess.Popen(command, env=environment)
    last = f"GET /cdn/{sha256(files[VIDEO])}"
    # The others are in the cache by then, or on their way.
    hub.on_request = lambda line: running.kill() if line == last else None
    assert running.wait(300) == -9
    assert not paths.manifest.exists()
    assert not paths.dataset.exists()
    hub.on_request = lambda _: None
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert written(paths.dataset) == dataset_files(files)
    assert len(hub.asked(f"GET /datasets/{REPO}/resolve/{COMMIT}/meta/info.json")) == 1
    assert "downloading somebody/cubes" in done.stderr
    offline = {**environment, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "elsewhere")}
    done = subprocess.run(command, env=offline, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "not in the cache" in done.stderr
    assert written(paths.dataset) == dataset_files(files)


def test_attempts_are_counted(hub, files, paths):
    hub.add(REPO, files)
    hub.faults.append(Fault("/tree/", times=1000, status=503))
    refuse(paths, MachineError)
    assert len(hub.asked("/tree/")) == ATTEMPTS
