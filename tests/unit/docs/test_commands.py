"""The commands and the Python of the pages run as they stand, in a folder with the files they name.

`fedarm` runs for real; of `make` a dry run is made, since what its targets do is what CI does; the runs
of `snakemake` are planned in `tests/e2e/test_docs.py`. A block with any other command has to say which
test runs it, or why none can (`pages`).
"""

import csv
import shutil
import subprocess

import numpy as np
import pytest

from fedarm import cli
from tests.unit.report.fabrication import fabricate
from tests.unit.rollout.test_sheet import fill
from tests.unit.video.drawing import picture, write_video

from .pages import REPOSITORY, all_blocks, commands

RUNNABLE = [block for block in all_blocks("bash", "console") if not (block.not_run or block.tested)]
FIELD = """
experiment: mine
seeds: [0, 1]
datasets:
  pickplace: {source: hub, repo_id: lerobot/svla_so100_pickplace, held_out: 2}
clients: [pickplace]
base: {kind: none}
training: {samples: 256, batch_size: 16, lr: 0.0005, keep_every: 1}
federation: {rounds: 2}
arms:
  central: {kind: central}
  fedprox: {kind: federated, strategy: fedprox, mu: 0.01}
"""


@pytest.fixture(scope="session")
def things(lab, tmp_path_factory):
    """Return a folder with what the pages suppose that a reader has."""
    from fedarm.sim.recording import record_dataset

    root = tmp_path_factory.mktemp("things")
    shutil.copytree(lab, root / "recordings" / "cubes")
    shutil.copytree(lab, root / "recordings" / "rollout_pickplace")
    other = {"variants": ["standard"], "episodes": 5, "image_size": 64, "workers": 1}
    record_dataset(root / "theirs", tasks=["sorting"], seed=4, **other)
    assert (
        cli.main(["data", "summarize", str(root / "theirs"), "--out", f"{root}/theirs.json"]) == 0
    )
    (root / "my.yaml").write_text(FIELD)
    arms = ("fedprox", "fedavgm")
    fabricate(root / "results" / "so101_lab", federated=arms, episodes=10, videos=False)
    shutil.copy(REPOSITORY / "config.yaml", root / "results" / "so101_lab")
    return root


@pytest.fixture
def reader(things, tmp_path, monkeypatch):
    """Stand in a reader's folder."""
    root = tmp_path / "reader"
    shutil.copytree(things, root)
    monkeypatch.chdir(root)
    return root


def film(folder):
    """Put one sound film in place of the recordings."""
    shutil.rmtree(folder)
    folder.mkdir()
    frames = [
        picture(cubes=[((x, 0.0, 0.0), (200, 40, 35))], discs=[((0.0, 0.0), (40, 70, 200))])
        for x in np.linspace(0.12, 0.0, 12)
    ]
    write_video(folder / "grasp.mp4", frames)


def judge(root):
    """Fill in the sheet, as the person who judges does."""
    fill(root / "sheet.csv")


def take_in(root):
    """Keep the labels of the episodes that were recorded, and name them in the configuration."""
    with (root / "labels.csv").open() as text:
        rows = [row for row in csv.DictReader(text) if int(row["episode"]) < 5]
    with (root / "labels.csv").open("w", newline="") as text:
        writer = csv.DictWriter(text, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    section = next(
        block.text
        for block in all_blocks("yaml")
        if block.page == "docs/evaluation.md" and "recordings:" in block.text
    )
    (root / "my.yaml").write_text(FIELD + section)


# What a reader does by hand before a command.
BY_HAND = {("evaluation", "join"): judge, ("evaluation", "check"): take_in}


def run(words, root):
    """Run a command as far as it is run here."""
    if words[0] == "fedarm":
        BY_HAND.get(tuple(words[1:3]), lambda _: None)(root)
        assert cli.main(words[1:]) == 0, words
    elif words[0] == "make":
        dry_run = ["make", "--dry-run", *words[1:]]
        subprocess.run(dry_run, cwd=REPOSITORY, check=True, capture_output=True)
    else:
        assert words[0] == "snakemake", f"say who runs {words[0]!r}, or why nobody can"


@pytest.mark.parametrize("page", sorted({block.page for block in RUNNABLE}))
def test_commands_run_in_their_order(page, reader, capsys):
    if page == "docs/video_analysis.md":
        film(reader / "recordings")
    for block in (block for block in RUNNABLE if block.page == page):
        capsys.readouterr()
        for words in commands(block):
            run(words, reader)
        if block.language == "console":
            shown = block.text.splitlines()[1:]
            # The table's lines are padded to one width.
            printed = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
            assert printed == shown, block


@pytest.mark.parametrize(
    "block",
    [each for each in all_blocks("python") if not (each.title or each.tested or each.not_run)],
    ids=str,
)
def test_python_runs_and_prints_what_its_comments_say(block, reader, capsys):
    capsys.readouterr()
    exec(compile(block.text, str(block), "exec"), {})
    said = [line.removeprefix("# ") for line in block.text.splitlines()]
    assert set(capsys.readouterr().out.splitlines()) <= set(said)
