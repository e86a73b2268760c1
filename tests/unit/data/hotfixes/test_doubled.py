from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from fedarm.data.checks import run_checks
from fedarm.data.dataset import open_dataset
from fedarm.data.hotfixes import apply_hotfixes
from fedarm.experiment import load_experiment
from fedarm.provenance import digest_folder

from .doubled import SORTING, STACKING, make_doubled

FIELD = Path(__file__).parents[4] / "configs/so100_smolvla.yaml"

# LeRobot in a process of its own, as a user would open the folders. It reads each row twice.
READ_WITH_LEROBOT = """
import sys
from lerobot.datasets.lerobot_dataset import LeRobotDataset
for root in sys.argv[1:]:
    dataset = LeRobotDataset("lerobot/doubled", root=root, video_backend="pyav")
    last = dataset[dataset.meta.total_frames - 1]
    print("rows", len(dataset.hf_dataset), int(last["index"]))
"""
BOTH = (STACKING, SORTING)


@pytest.fixture(scope="module")
def doubled(tmp_path_factory):
    """The folder that holds both datasets as the hub has them, by name."""
    folder = tmp_path_factory.mktemp("doubled")
    for documented in BOTH:
        make_doubled(folder / documented.name, documented)
    return folder


@pytest.fixture(scope="module")
def repaired(doubled):
    """The folder that holds both datasets mended as the field experiment does it, by name."""
    folder = doubled.parent / "repaired"
    reports = {}
    for name in (documented.name for documented in BOTH):
        before = digest_folder(doubled / name)
        reports[name] = apply_hotfixes(doubled / name, folder / name, _configured(name)).to_json()
        assert digest_folder(doubled / name) == before
    return folder, reports


def _configured(name):
    """Return a dataset's hotfixes in configs/so100_smolvla.yaml."""
    datasets = load_experiment(FIELD).config.datasets.values()
    (section,) = [each for each in datasets if each.repo_id == f"lerobot/{name}"]
    return section.hotfixes


def test_a_reader_of_all_parquet_files_sees_each_row_twice(doubled):
    for documented in BOTH:
        files = (doubled / documented.name / "data").rglob("*.parquet")
        rows = sum(pq.ParquetFile(file).metadata.num_rows for file in files)
        assert rows == 2 * documented.frames


@pytest.mark.slow
@pytest.mark.parametrize("documented", BOTH, ids=lambda each: each.name)
def test_the_configured_hotfixes_leave_the_documented_rows(repaired, documented):
    folder, reports = repaired
    removal, conversion = reports[documented.name]["hotfixes"]

    assert (removal["hotfix"], conversion["hotfix"]) == ("declared_rows", "convert_era")
    assert removal["rows"] == conversion["rows"] == documented.frames
    assert removal["episodes"] == list(range(documented.episodes))
    dataset = open_dataset(folder / documented.name)
    assert len(dataset.episodes) == documented.episodes
    assert len(dataset.state) == documented.frames
    assert dataset.info.state_names[0] == "shoulder_pan.pos"
    assert run_checks(folder / documented.name).to_json()["findings"] == []


@pytest.mark.slow
def test_stock_lerobot_doubles_the_rows_and_not_those_of_the_mended_datasets(doubled, repaired):
    folder, _ = repaired
    roots = [each / documented.name for documented in BOTH for each in (doubled, folder)]
    command = [sys.executable, "-c", READ_WITH_LEROBOT, *map(str, roots)]
    offline = {**os.environ, "HF_HUB_OFFLINE": "1"}

    done = subprocess.run(command, capture_output=True, text=True, check=True, env=offline)

    seen = [line.split()[1:] for line in done.stdout.splitlines() if line.startswith("rows")]
    assert [int(rows) for rows, _ in seen] == [
        2 * STACKING.frames,
        STACKING.frames,
        2 * SORTING.frames,
        SORTING.frames,
    ]
    assert int(seen[1][1]) == STACKING.frames - 1
    assert int(seen[3][1]) == SORTING.frames - 1
