"""The rules of video and statistics in conda environments: made offline, killed, gone on, same bytes.

The environments are those of `envs/`; the `conda` is a stand-in (`stand_in.py`) that solves against a
channel of this machine (`channel.py`). What conda-forge would answer is not tried.
"""

import os
import shutil
import signal
import time
from dataclasses import replace

import pytest

from tests.conda.conftest import write_command
from tests.e2e.workflow import SMOKE, Workflow, counts

# Without the stages before them, so that what was taken over is what it is.
RULES = (
    *("check_dataset", "cache_frames", "gate_datasets"),
    *("analyze_videos", "analyze_base_videos", "make_reels", "compare_arms"),
)
RESULTS = "results/smoke"


def is_made_anew(name: str) -> bool:
    """Return whether a file is an output of the rules that the test runs, of one dataset of several."""
    ours = ("/datasets/sorting/", f"{RESULTS}/")
    made = ("video_analysis.", "/comparison/", "/reels/", "gate.json", "/checks.json", "/cache_")
    return any(part in name for part in ours) and any(part in name for part in made)


@pytest.fixture(scope="module")
def remade(smoke):
    """Return the files of the unbroken run without conda that the test makes anew, with their bytes."""
    results = smoke.root / "results"
    files = {path.relative_to(smoke.root).as_posix(): path for path in results.rglob("*")}
    return {
        name: path.read_bytes()
        for name, path in files.items()
        if path.is_file() and is_made_anew(name)
    }


@pytest.fixture(scope="module")
def workflow(smoke, offline, launcher, remade, tmp_path_factory):
    """Return a copy of the smoke experiment without what the test makes anew, for a user of conda."""
    # With a space, which conda, pip and the shell meet in prefixes.
    workflow = Workflow(tmp_path_factory.mktemp("with conda") / "copy", offline, launcher)
    Workflow.copy_to(workflow.root)
    shutil.copytree(smoke.root / "results", workflow.root / "results")
    for name in remade:
        (workflow.root / name).unlink()
    return workflow


def arguments(remade: dict[str, bytes], *options: str) -> list[str]:
    targets = [name for name in remade if name.startswith(f"{RESULTS}/reels")]
    caches = [name for name in remade if name.endswith("px/manifest.json")]
    return [
        *(*SMOKE, *options, "--allowed-rules", *RULES, "--"),
        *(f"{RESULTS}/comparison/results.json", *targets, *caches),
    ]


def kill_when(process, has_begun) -> None:
    """Kill Snakemake and all that it started as soon as a condition holds."""
    while not has_begun():
        assert process.poll() is None, process.communicate()[0][-6000:]
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


@pytest.mark.slow
def test_environments_are_made_without_a_network_and_after_a_kill(workflow, remade):
    creation = arguments(remade, "--use-conda", "--conda-create-envs-only")
    environments = workflow.root / ".snakemake" / "conda"
    kill_when(
        workflow.start(*creation),
        lambda: any(environments.glob("*/lib/python*/site-packages/numpy")),
    )
    assert not list(environments.glob("*.env_setup_done"))
    printed = workflow.run(*creation)
    assert "Removing incomplete Conda environment" in printed
    assert len(list(environments.glob("*.env_setup_done"))) == 2


@pytest.mark.slow
def test_rules_killed_in_their_environments_go_on_to_the_same_bytes(workflow, remade):
    analyses = workflow.root / RESULTS
    kill_when(
        workflow.start(*arguments(remade, "--use-conda")),
        lambda: any(analyses.glob("*/seed*/video_analysis.json")),
    )
    workflow.run(*SMOKE, "--unlock")
    printed = workflow.run(*arguments(remade, "--sdm", "conda"))
    assert "rule compare_arms" in printed
    assert "Creating conda environment" not in printed
    for name, content in remade.items():
        assert (workflow.root / name).read_bytes() == content, name


def test_a_changed_pin_runs_the_rules_of_its_environment_again(workflow, remade):
    environment = workflow.root / "envs" / "statistics.yaml"
    before = environment.read_text()
    environment.write_text(before.replace("seaborn==0.13.2", "seaborn==0.13.1"))
    try:
        printed = workflow.dry_run(*arguments(remade, "--use-conda"))
    finally:
        environment.write_text(before)
    assert set(counts(printed)) == {"compare_arms"}
    assert "environment" in printed


def test_no_conda_and_an_old_one_are_said_with_their_remedy(workflow, remade, tmp_path):
    without = replace(workflow, environment={**workflow.environment, "PATH": "/usr/bin:/bin"})
    answer = without.snakemake(*arguments(remade, "--use-conda"))
    assert answer.returncode == 2
    assert "no `conda` on the PATH" in answer.stdout
    assert "install Miniforge" in answer.stdout
    assert "Traceback" not in answer.stdout

    write_command(
        tmp_path / "conda",
        'if [ "$1" = info ]; then echo \'{"conda_prefix": "/none", "platform": "linux-64"}\';'
        " else echo conda 23.11.0; fi",
    )
    path = f"{tmp_path}:/usr/bin:/bin"
    old = replace(workflow, environment={**workflow.environment, "PATH": path})
    answer = old.snakemake(*arguments(remade, "--use-conda", "--forcerun", "compare_arms"))
    assert answer.returncode == 1
    assert "must be version 24.7.1 or later, found version 23.11.0" in answer.stdout
    assert "update conda" in answer.stdout
    assert "Traceback" not in answer.stdout
