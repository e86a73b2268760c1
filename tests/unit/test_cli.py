"""The `fedarm` command: exit codes, what it says, and that it leaves nothing half-written."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fedarm import cli, cli_data
from fedarm.paths import read_json, write_json
from fedarm.provenance import digest_folder

DATA_FILE = "data/chunk-000/file-000.parquet"


@pytest.fixture
def damaged(lab, tmp_path):
    """Return a function that changes the columns of a copy's data file and returns the copy."""

    def damage(change):
        root = tmp_path / "damaged"
        shutil.copytree(lab, root)
        table = pq.read_table(root / DATA_FILE)
        columns = change(table.to_pydict())
        pq.write_table(pa.Table.from_pydict(columns, schema=table.schema), root / DATA_FILE)
        return root

    return damage


@pytest.fixture
def run(capsys):
    """Run the command in this process; return its exit code, its output and its messages."""

    def call(*arguments):
        code = cli.main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def spoil(columns):
    columns["action"][3][5] = math.nan
    return columns


def double(columns):
    return {key: values + values for key, values in columns.items()}


def test_a_sound_dataset_is_clean(lab, run):
    code, out, _ = run("data", "check", lab)
    assert code == 0
    assert "pickplace" in out
    assert "nothing found" in out

    code, out, _ = run("data", "check", lab, "--json")
    assert code == 0
    assert json.loads(out)["passed"] is True


def test_a_defect_is_shown_with_its_place_and_remedy(damaged, run):
    root = damaged(spoil)

    code, out, _ = run("data", "check", root)
    assert code == 1
    assert "non_finite" in out
    assert "episode 0, frame 3, column action[gripper.pos]" in out
    assert "remedy: drop these episodes" in out

    code, out, _ = run("data", "check", root, "--json")
    assert code == 1
    places = {(f["check"], f["episode"], f["frame"]) for f in json.loads(out)["findings"]}
    assert ("non_finite", 0, 3) in places


@pytest.mark.parametrize("folder", ["missing", "empty"])
def test_a_path_that_is_no_dataset_is_unusable(folder, tmp_path, run):
    (tmp_path / "empty").mkdir()
    path = tmp_path / folder
    for arguments in (
        ("check", path),
        ("fix", path, "--out", tmp_path / "out"),
        ("summarize", path, "--out", tmp_path / "out"),
        ("gate", path),
    ):
        code, _, messages = run("data", *arguments)
        assert code == 2
        assert str(path) in messages
        assert "remedy: give a folder that holds meta/info.json" in messages
    assert not (tmp_path / "out").exists()

    _, out, _ = run("data", "check", path, "--json")
    assert "folder" in json.loads(out)["error"] or "dataset" in json.loads(out)["error"]


def test_a_dataset_that_cannot_be_read_is_unusable(lab, tmp_path, run):
    root = tmp_path / "cut"
    shutil.copytree(lab, root)
    (root / DATA_FILE).write_bytes((root / DATA_FILE).read_bytes()[:500])

    code, out, _ = run("data", "check", root)
    assert code == 2
    assert "readable" in out
    assert DATA_FILE in out


def test_wrong_arguments_end_with_2():
    with pytest.raises(SystemExit) as ended:
        cli.main(["data", "check"])
    assert ended.value.code == 2


def test_a_repair_writes_a_clean_copy_and_leaves_the_source_alone(damaged, tmp_path, run):
    root = damaged(double)
    before = digest_folder(root)

    code, out, _ = run("data", "fix", root, "--out", tmp_path / "out" / "mended")
    assert code == 0, out
    assert "declared_rows" in out
    assert digest_folder(root) == before
    assert run("data", "check", tmp_path / "out" / "mended")[0] == 0
    (applied, *_) = read_json(tmp_path / "out" / "mended" / "hotfixes.json")["hotfixes"]
    assert applied["hotfix"] == "declared_rows"
    assert applied["before"] != applied["after"]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mended"]


def test_a_repair_takes_hotfixes_from_a_file(damaged, tmp_path, run):
    root = damaged(double)
    fixes = tmp_path / "fixes.yaml"
    fixes.write_text("hotfixes:\n  - {fix: declared_rows}\n")

    code, out, _ = run("data", "fix", root, "--out", tmp_path / "out", "--with", fixes, "--json")
    assert code == 0
    outcome = json.loads(out)
    assert outcome["before"]["passed"] is False
    assert outcome["after"]["passed"] is True
    assert [applied["hotfix"] for applied in outcome["hotfixes"]] == ["declared_rows"]


@pytest.mark.parametrize(
    "text", ["- {fix: declared_rowz}", "- [", "{}", "[]", "fix: declared_rows"]
)
def test_a_file_that_lists_no_hotfix_is_refused(text, lab, tmp_path, run):
    fixes = tmp_path / "fixes.yaml"
    fixes.write_text(text)

    code, _, messages = run("data", "fix", lab, "--out", tmp_path / "out", "--with", fixes)
    assert code == 2
    assert "fixes.yaml" in messages
    assert not (tmp_path / "out").exists()


def test_a_sound_dataset_needs_no_repair(lab, tmp_path, run):
    code, out, _ = run("data", "fix", lab, "--out", tmp_path / "out")

    assert code == 0
    assert "nothing was written: there is nothing to repair" in out
    assert not (tmp_path / "out").exists()


def test_a_repair_replaces_nothing(lab, tmp_path, run):
    (tmp_path / "out").mkdir()
    assert run("data", "fix", lab, "--out", tmp_path / "out")[0] == 2
    assert run("data", "fix", lab, "--out", lab / "inside")[0] == 2
    assert not (lab / "inside").exists()


def test_an_interrupted_repair_leaves_nothing(damaged, tmp_path, run, monkeypatch):
    root = damaged(double)
    real, calls = cli_data.run_checks, []

    def interrupted(*args, **kwargs):
        calls.append(args)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*args, **kwargs)

    monkeypatch.setattr(cli_data, "run_checks", interrupted)
    code, _, messages = run("data", "fix", root, "--out", tmp_path / "repaired" / "out")
    assert code == 130
    assert "interrupted" in messages
    assert list((tmp_path / "repaired").iterdir()) == []


def test_a_gate_over_summaries_alone(lab, tmp_path, run):
    """What a federation does: each client summarizes alone, and files are all that travels."""
    file = tmp_path / "mine.json"
    code, out, _ = run("data", "summarize", lab, "--out", file, "--salt", "ours")
    assert code == 0
    assert "salted sketches" in out

    mine = read_json(file)
    theirs = {**mine, "name": "theirs", "fps": 30.0, "episodes": []}
    write_json(tmp_path / "theirs.json", theirs)
    code, out, _ = run("data", "gate", file, tmp_path / "theirs.json")
    assert code == 1
    assert "pickplace  10.0" in out
    assert "theirs     30.0" in out
    assert "- {fix: correct_fps, fps: 10}" in out

    write_json(tmp_path / "theirs.json", {**theirs, "fps": 10.0})
    assert run("data", "gate", file, tmp_path / "theirs.json")[0] == 0


def test_an_episode_in_training_and_in_an_unseen_set_is_found(lab, tmp_path, run):
    run("data", "summarize", lab, "--out", tmp_path / "unseen.json", "--name", "unseen")

    code, out, _ = run("data", "gate", lab, "--unseen", tmp_path / "unseen.json", "--json")
    assert code == 1
    (finding,) = json.loads(out)["findings"]
    assert finding["rule"] == "leakage"
    assert finding["pair"] == ["pickplace", "unseen"]
    assert finding["values"][0] == [0, 1, 2, 3, 4]


def test_warnings_count_unless_they_are_allowed(lab, tmp_path, run):
    run("data", "summarize", lab, "--out", tmp_path / "a.json")
    summary = read_json(tmp_path / "a.json")
    larger = {key: {"height": 9, "width": 9} for key in summary["cameras"]}
    other = {**summary, "name": "other", "episodes": [], "cameras": larger}
    write_json(tmp_path / "b.json", other)

    files = (tmp_path / "a.json", tmp_path / "b.json")
    assert run("data", "gate", *files)[0] == 1
    assert run("data", "gate", *files, "--allow-warnings")[0] == 0


def test_names_tell_folders_apart(tmp_path):
    version = tmp_path / "stacking" / "0123456789ab" / "dataset"
    assert cli_data.dataset_name(version) == "stacking"
    assert cli_data.dataset_name(tmp_path / "mine") == "mine"


def test_the_command_starts_without_heavy_libraries(tmp_path):
    code = (
        "import sys; from fedarm.cli import main\n"
        "try: main(['data', '--help'])\n"
        "except SystemExit: pass\n"
        "light = not {'numpy', 'pydantic', 'rich', 'pandas'} & set(sys.modules)\n"
        f"code = main(['data', 'check', {str(tmp_path)!r}])\n"
        "print(light, code, bool({'torch', 'lerobot'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "True 2 False"
