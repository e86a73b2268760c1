"""Runs the workflow from a copy of the repository, so that tests may change its code."""

import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
SMOKE = ("--configfile", "configs/smoke.yaml")
PARTS = (
    "Snakefile",
    "config.yaml",
    "configs",
    "envs",
    "fedarm",
    "profiles",
    "report",
    "rules",
    "uv.lock",
    "workflow_scripts",
)


@dataclass(frozen=True)
class Workflow:
    """A copy of the repository in which Snakemake runs.

    Attributes:
        root: The copy.
        environment: Variables that differ from those of the test session.
        binaries: The folder of the `snakemake` that runs, first on the PATH.
    """

    root: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    binaries: Path = Path(sys.executable).parent

    @classmethod
    def copy_to(cls, root: Path) -> "Workflow":
        """Copy what the workflow consists of; what an earlier copy has left there is replaced."""
        for part in PARTS:
            source = REPOSITORY / part
            if source.is_dir():
                shutil.rmtree(root / part, ignore_errors=True)
                shutil.copytree(source, root / part, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                (root / part).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, root / part)
        return cls(root)

    def snakemake(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Snakemake in the copy and return what it printed, whatever its exit code."""
        process = self.start(*arguments)
        try:
            printed, _ = process.communicate()
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        return subprocess.CompletedProcess(process.args, process.returncode, printed)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start Snakemake in the copy, as the leader of a process group of its own.

        A report is made without any cores.
        """
        cores = () if "--report" in arguments else ("--cores", "2")
        environment = {
            **os.environ,
            "PYTHONPATH": str(self.root),
            "PATH": f"{self.binaries}{os.pathsep}{os.environ['PATH']}",
            **self.environment,
        }
        return subprocess.Popen(
            [str(self.binaries / "snakemake"), *cores, *arguments],
            cwd=self.root,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def run(self, *arguments: str) -> str:
        """Run Snakemake, demand success, and return what it printed."""
        answer = self.snakemake(*arguments)
        assert answer.returncode == 0, answer.stdout[-6000:]
        return answer.stdout

    def stale_jobs(self, *arguments: str) -> dict[str, int]:
        """Return how many jobs of which rule a run would execute."""
        return counts(self.dry_run(*arguments))

    def dry_run(self, *arguments: str) -> str:
        """Return what Snakemake prints of the jobs that a run would execute."""
        return self.run("--dry-run", *arguments)


def smoke_run(folder: Path) -> Workflow:
    """Run the smoke experiment in a copy of the repository, once for all workers of a test session.

    `FEDARM_TEST_SMOKE` names a folder to use in place of the given one. The run stays there, so that the
    next test session runs only what has gone stale since.
    """
    root = Path(os.environ.get("FEDARM_TEST_SMOKE", folder))
    root.mkdir(parents=True, exist_ok=True)
    # Of pytest-xdist; other workers of this session may already read the copy.
    session = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    with (root / "session.txt").open("a+") as made_for:
        fcntl.flock(made_for, fcntl.LOCK_EX)
        made_for.seek(0)
        if made_for.read() == session:
            return Workflow(root)
        workflow = Workflow.copy_to(root)
        workflow.run(*SMOKE)
        made_for.truncate(0)
        made_for.write(session)
    return workflow


def counts(plan: str) -> dict[str, int]:
    """Return how many jobs of which rule a dry run has planned."""
    if "Nothing to be done" in plan:
        return {}
    table = plan.split("Job stats:")[1].split("total")[0]
    jobs = {name: int(count) for name, count in re.findall(r"^(\w+) +(\d+)$", table, re.M)}
    jobs.pop("all", None)
    return jobs


def outputs(plan: str, rule: str) -> list[str]:
    """Return the outputs of a rule's jobs that a dry run has planned."""
    jobs = re.findall(rf"rule {rule}:(.*?)(?:\n\n|\Z)", plan, re.S)
    return [output for job in jobs for output in re.findall(r"output: (.*)", job)]
