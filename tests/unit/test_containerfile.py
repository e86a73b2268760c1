"""The container file asks for what the project asks for elsewhere; nothing here builds it."""

import os
import re
import shlex
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
UV = REPOSITORY / ".tools" / "bin" / "uv"


@pytest.fixture(scope="module")
def instructions():
    """Return the instructions of the container file: keyword and arguments."""
    text = (REPOSITORY / "Containerfile").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [tuple(line.split(maxsplit=1)) for line in lines]


def arguments(instructions, keyword: str) -> list[str]:
    return [rest for name, rest in instructions if name == keyword]


def test_every_instruction_is_one(instructions):
    known = {"FROM", "RUN", "WORKDIR", "ENV", "COPY", "ENTRYPOINT", "CMD"}
    assert {keyword for keyword, _ in instructions} == known


def test_python_is_that_of_the_environments(instructions):
    (base,) = arguments(instructions, "FROM")
    content = yaml.safe_load((REPOSITORY / "envs" / "training.yaml").read_text())
    python = content["dependencies"][0].removeprefix("python=")
    assert f"/python:{python}-slim" in base
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == f">={python[:4]},<3.{int(python[2:4]) + 1}"


def test_system_packages_are_those_of_ci(instructions):
    installed = re.search(r"apt-get install (.*?) &&", " ".join(arguments(instructions, "RUN")))
    packages = {word for word in installed[1].split() if not word.startswith("-")}
    graphics = re.search(r"apt-get install -y -qq (libegl.*)", (REPOSITORY / ".ci/run").read_text())
    assert packages == {*graphics[1].split(), "git"}


def test_uv_is_that_of_the_makefile(instructions):
    version = re.search(r"^UV_VERSION := (\S+)$", (REPOSITORY / "Makefile").read_text(), re.M)
    assert f"uv=={version[1]}" in " ".join(arguments(instructions, "RUN"))


def test_copied_files_exist(instructions):
    for copied in arguments(instructions, "COPY"):
        *sources, _ = copied.split()
        assert all((REPOSITORY / source).exists() for source in sources)


def test_uv_can_plan_the_installations(instructions, tmp_path):
    commands = [run for run in arguments(instructions, "RUN") if run.startswith("uv sync")]
    assert len(commands) == 2
    for command in commands:
        answer = subprocess.run(
            [UV, *shlex.split(command)[1:], "--dry-run", "--offline"],
            cwd=REPOSITORY,
            env={**os.environ, "UV_PROJECT_ENVIRONMENT": str(tmp_path / "env")},
            capture_output=True,
            text=True,
        )
        assert answer.returncode == 0, answer.stderr
        assert "Would install" in answer.stderr


def test_what_it_starts_is_snakemake(instructions):
    assert arguments(instructions, "ENTRYPOINT") == ['["snakemake"]']
    (environment,) = arguments(instructions, "ENV")
    assert "PATH=/fedarm/.venv/bin:$PATH" in environment
    assert arguments(instructions, "WORKDIR") == ["/fedarm"]
