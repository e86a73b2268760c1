"""A conda that knows one channel, a wheel house, and the finished smoke experiment."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conda.channel import SUBDIR
from tests.e2e.workflow import REPOSITORY, smoke_run

UV = str(REPOSITORY / ".tools" / "bin" / "uv")
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture(scope="session")
def smoke(tmp_path_factory):
    """Return a copy of the repository in which the smoke experiment has run without conda."""
    return smoke_run(tmp_path_factory.mktemp("first"))


@pytest.fixture(scope="session")
def conda(tmp_path_factory):
    """Return the folder of a `conda` that finds this machine's Python and pip on conda-forge."""
    if SUBDIR == "unknown" or sys.platform != "linux":
        pytest.skip("the channel of the tests is packed on Linux, from x86-64 or aarch64")
    root = tmp_path_factory.mktemp("conda")
    for step in ("pack", "index"):
        command = [sys.executable, "-m", "tests.conda.channel", step]
        subprocess.run([*command, root / "channels" / "conda-forge"], cwd=REPOSITORY, check=True)
    (root / "bin").mkdir()
    (root / "bin" / "activate").write_text('export CONDA_PREFIX="$1" PATH="$1/bin:$PATH"\n')
    write_command(
        root / "bin" / "conda",
        f"STAND_IN_CONDA={shlex.quote(str(root))} PYTHONPATH={shlex.quote(str(REPOSITORY))} exec "
        f'{shlex.quote(sys.executable)} -m tests.conda.stand_in "$@"',
    )
    return root


@pytest.fixture(scope="session")
def launcher(tmp_path_factory):
    """Return the binaries of an environment that can plan and start jobs and has nothing to run them."""
    environment = tmp_path_factory.mktemp("launcher")
    (line,) = re.findall(r"^launcher:.*\n\t(.*)$", (REPOSITORY / "Makefile").read_text(), re.M)
    setting, _, *options = line.split()
    assert setting == "UV_PROJECT_ENVIRONMENT=.launcher"
    run(UV, *options[:-1], UV_PROJECT_ENVIRONMENT=str(environment))
    return environment / "bin"


@pytest.fixture(scope="session")
def wheels(tmp_path_factory):
    """Return a wheel house for the environments of video and statistics, made as documented."""
    folder = tmp_path_factory.mktemp("wheels")
    for group in ("video", "statistics"):
        pins = str(folder / f"{group}.txt")
        run(
            *(UV, "export", "--locked", "--only-group", group),
            "--no-emit-project",
            "--output-file",
            pins,
        )
        download = (sys.executable, "-m", "pip", "download", "--require-hashes")
        run(*download, "--dest", str(folder), "--requirement", pins)
    return folder


@pytest.fixture(scope="session")
def offline(conda, wheels, launcher):
    """Return variables that give conda and the wheel house, and leave neither a network nor NumPy."""
    inherited = os.environ["PATH"].split(os.pathsep)
    path = [entry for entry in inherited if Path(entry) != Path(sys.executable).parent]
    proxies = dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), NOWHERE)
    return {
        **proxies,
        **{name.upper(): value for name, value in proxies.items()},
        "HF_HUB_OFFLINE": "1",
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(wheels),
        "PIP_CONFIG_FILE": os.devnull,
        # Bytecode of all of SciPy takes longer than its installation: only of what the rules import.
        "PIP_COMPILE": "0",
        "PYTHONDONTWRITEBYTECODE": "",
        "PYTHONPATH": "",
        "PATH": os.pathsep.join([str(conda / "bin"), str(launcher), *path]),
    }


def write_command(file: Path, command: str) -> None:
    """Write a command for the shell."""
    file.write_text(f"#!/bin/sh\n{command}\n")
    file.chmod(0o755)


def run(*command: str, **environment: str) -> None:
    """Run a command in the repository; what it printed is shown if it fails."""
    answer = subprocess.run(
        command,
        cwd=REPOSITORY,
        env={**os.environ, **environment},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert answer.returncode == 0, answer.stdout[-3000:]
