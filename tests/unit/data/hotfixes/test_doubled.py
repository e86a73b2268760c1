from __future__ import annotations

import subprocess
import sys

import pyarrow.parquet as pq
import pytest

from fedarm.config_hotfixes import ConvertEra, DeclaredRows
from fedarm.data.checks import run_checks
from fedarm.data.dataset import open_dataset
from fedarm.data.hotfixes import apply_hotfixes
from fedarm.provenance import digest_folder

from .doubled import SORTING, STACKING, make_doubled

# LeRobot in a process of its own, as a user would open the folder.
READ_WITH_LEROBOT = """
import sys
from lerobot.datasets.lerobot_dataset import LeRobotDataset
for root in sys.argv[1:]:
    try:
        dataset = LeRobotDataset("lerobot/doubled", root=root, video_backend="pyav")
        print("rows", len(dataset.hf_dataset))
    except Exception as error:
        print("failed", type(error).__name__)
"""


@pytest.fixture(scope="module", params=[STACKING, SORTING], ids=lambda each: each.name)
def doubled(request, tmp_path_factory):
    root = tmp_path_factory.mktemp(request.param.name) / "dataset"
    make_doubled(root, request.param)
    return root, request.param


@pytest.mark.slow
def test_stock_lerobot_doubles_the_rows_and_the_hotfix_does_not(doubled, tmp_path):
    root, documented = doubled
    before = digest_folder(root)
    target = tmp_path / "fixed"

    fixes = [ConvertEra(to="degrees"), DeclaredRows()]
    report = apply_hotfixes(root, target, fixes).to_json()

    assert digest_folder(root) == before
    assert [entry["hotfix"] for entry in report["hotfixes"]] == ["declared_rows", "convert_era"]
    removal, conversion = report["hotfixes"]
    assert removal["rows"] == conversion["rows"] == documented.frames
    assert removal["episodes"] == list(range(documented.episodes))
    dataset = open_dataset(target)
    assert len(dataset.episodes) == documented.episodes
    assert len(dataset.state) == documented.frames
    assert dataset.info.state_names[0] == "shoulder_pan.pos"
    assert [f for f in run_checks(target).to_json()["findings"] if f["severity"] == "error"] == []

    stock, ours = _lerobot_rows(root, target)
    assert stock in (f"rows {2 * documented.frames}", "failed ValueError", "failed RuntimeError")
    assert ours == f"rows {documented.frames}"


def test_a_reader_of_all_parquet_files_sees_each_row_twice(doubled):
    root, documented = doubled

    files = (root / "data").rglob("*.parquet")
    assert sum(pq.ParquetFile(file).metadata.num_rows for file in files) == 2 * documented.frames


def _lerobot_rows(*roots):
    command = [sys.executable, "-c", READ_WITH_LEROBOT, *map(str, roots)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [line for line in done.stdout.splitlines() if line.startswith(("rows", "failed"))]
