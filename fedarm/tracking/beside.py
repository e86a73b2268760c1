"""Feeds trackers while the workflow runs, from a process beside it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from fedarm.experiment import Experiment
from fedarm.logging import get_logger

_LONGEST_END_S = 120


class TrackingBeside:
    """The command `fedarm track`, as long as a workflow runs; nothing when no tracker is on.

    Args:
        experiment: The experiment.
    """

    def __init__(self, experiment: Experiment) -> None:
        self._experiment = experiment
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process; it ends by itself when this one is gone."""
        section = self._experiment.config.tracking
        if not section.is_on:
            return
        command = [sys.executable, "-m", "fedarm.cli", "track", str(self._experiment.root)]
        command += ["--follow", "--while-parent-is", str(os.getpid())]
        if section.tensorboard:
            command += ["--tensorboard"]
        if section.wandb is not None:
            command += ["--wandb", section.wandb.mode, "--wandb-project", section.wandb.project]
            command += ["--wandb-entity", section.wandb.entity] if section.wandb.entity else []
        path = [str(Path(__file__).resolve().parents[2]), os.environ.get("PYTHONPATH", "")]
        self._process = subprocess.Popen(
            command,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, path))},
            stdin=subprocess.DEVNULL,
            # An interruption of the workflow is not one of the tracker, which then still has to finish.
            start_new_session=True,
        )

    def end(self) -> None:
        """Let the process feed what is left, and wait for it."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_LONGEST_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            get_logger(__name__).warning(
                "the trackers did not finish in %d s; `fedarm track %s` feeds them later",
                _LONGEST_END_S,
                self._experiment.root,
            )
