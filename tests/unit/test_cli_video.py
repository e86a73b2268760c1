"""`fedarm video analyze`: exit codes, what it prints, and that it writes only what it is asked to."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from fedarm import cli

from .video.drawing import picture, write_video

RED, BLUE = (200, 40, 35), (40, 70, 200)


@pytest.fixture
def run(capsys):
    """Run the command in this process; return its exit code, its output and its messages."""

    def call(*arguments):
        code = cli.main(["video", "analyze", *map(str, arguments)])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


@pytest.fixture
def folder(tmp_path):
    """A folder with one sound video in a folder of its own, and things that are no videos."""
    root = tmp_path / "videos"
    (root / "day one").mkdir(parents=True)
    frames = [
        picture(cubes=[((x, 0.0, 0.0), RED)], discs=[((0.0, 0.0), BLUE)])
        for x in np.linspace(0.12, 0.0, 12)
    ]
    write_video(root / "day one" / "Grasp 1.MP4", frames)
    (root / "notes.txt").write_text("mp4")
    (root / ".half.mp4").write_bytes(b"")
    return root


def test_a_sound_video_without_a_record(run, folder):
    before = sorted(folder.parent.rglob("*"))
    code, out, _ = run(folder)

    assert code == 0
    assert "day one/Grasp 1.MP4" in out
    assert "1 video: nothing found" in out
    assert "ldlj_actions: the commands (1 video)" in out
    assert sorted(folder.parent.rglob("*")) == before, "nothing is written"


def test_findings_are_printed_with_their_place(run, folder):
    write_video(folder / "black.mp4", [np.zeros((64, 64, 3), np.uint8)] * 5)
    code, out, _ = run(folder)

    assert code == 1
    assert "✗ black frame 0: 5 black frames" in out
    assert "2 videos: something wrong with 1" in out


def test_json_and_files_say_the_same(run, folder):
    (folder / "broken.mp4").write_bytes(b"")
    output = folder.parent / "out"
    code, out, _ = run(folder, "--json", "--output", output)

    printed = json.loads(out)
    assert code == 1
    assert printed["schema_version"] == 2
    assert printed["counts"]["findings"] == {"undecodable": 1}
    assert json.loads((output / "video_analysis.json").read_text()) == printed
    table = pd.read_parquet(output / "video_analysis.parquet").set_index("file")
    assert list(table.loc["broken.mp4", "findings"]) == ["undecodable"]
    assert table.loc["day one/Grasp 1.MP4", "frames"] == 12


def test_one_file(run, folder):
    code, out, _ = run(folder / "day one" / "Grasp 1.MP4", "--json")
    assert code == 0
    assert [video["file"] for video in json.loads(out)["videos"]] == ["Grasp 1.MP4"]


def test_what_is_no_folder_of_videos_is_refused(run, tmp_path):
    for path, message in ((tmp_path / "nowhere", "no such"), (tmp_path, "no video here")):
        code, out, err = run(path)
        assert (code, out) == (2, "")
        assert message in err
        assert "remedy" in err


def test_an_output_that_cannot_be_written_is_refused(run, folder):
    occupied = folder / "notes.txt"
    code, _, err = run(folder, "--output", occupied)
    assert code == 2
    assert "cannot write" in err


def test_torch_is_not_imported(folder):
    code = (
        "import sys; from fedarm import cli; cli.main(sys.argv[1:]); "
        "print(sorted({'torch', 'lerobot', 'mujoco'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code, "video", "analyze", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
