"""The benchmark of a newcomer's way makes a target in a clean clone, and says when that fails."""

import sys
from pathlib import Path

import pytest

from benchmarks.newcomer import clean_environment, minutes


def test_nothing_that_was_set_up_is_in_a_newcomers_shell(tmp_path):
    own = Path(sys.prefix) / "bin"
    before = {
        "PATH": f"{own}:/usr/bin",
        "HOME": "/home/me",
        "PYTHONPATH": "/work",
        "VIRTUAL_ENV": str(own.parent),
        "HF_HOME": "/models",
        "MAKEFLAGS": " -- ARGS=--way\\ verdict",
        "ARGS": "--way verdict",
        "https_proxy": "http://proxy:3128",
    }
    home = tmp_path / "home"
    after = clean_environment(before, home=home)
    assert after["PATH"] == "/usr/bin"
    assert after["https_proxy"] == "http://proxy:3128"
    assert set(after) & {"PYTHONPATH", "VIRTUAL_ENV", "HF_HOME", "MAKEFLAGS", "ARGS"} == set()
    assert after["UV_CACHE_DIR"] == f"{home}/.cache/uv"
    assert list(home.iterdir()) == []
    assert clean_environment(before, home=None)["HOME"] == "/home/me"


def test_a_target_is_made_in_a_clone():
    assert minutes("clean", warm=False) > 0


def test_a_clone_that_is_kept_stays(tmp_path):
    minutes("clean", warm=False, keep=tmp_path / "verdict")
    assert (tmp_path / "verdict" / "Makefile").is_file()


def test_a_target_that_fails_is_said(capsys):
    with pytest.raises(SystemExit, match="make no-such-target failed"):
        minutes("no-such-target", warm=False)
    assert "No rule to make target" in capsys.readouterr().err
