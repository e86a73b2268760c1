"""Weights & Biases: a run for each training of an arm and seed, grouped by experiment.

Its identity there is the digest of what the rounds belong to, so a job that was killed goes on with its
run, and a training that begins anew is another one. Offline nothing can be gone on with: the folder of
an earlier process is replaced as long as it was not uploaded, for the history has all of it.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import yaml

from fedarm.provenance import digest_value
from fedarm.tracking.history import History

_ID_DIGITS = 16


class WandbSink:
    """Feeds Weights & Biases.

    Args:
        root: The experiment's folder; its configuration is shown with each run.
        logs: The experiment's folder of logs, where the client keeps its files.
        project: The project there.
        entity: The user or team; None for that of the account.
        mode: `offline` or `online`.
    """

    label = "Weights & Biases"

    def __init__(
        self,
        root: Path,
        *,
        logs: Path,
        project: str,
        entity: str | None,
        mode: Literal["offline", "online"],
    ) -> None:
        self._root = root
        self._logs = logs
        self._place: dict[str, Any] = {"project": project, "entity": entity, "mode": mode}

    def open(self, history: History) -> _WandbRun:
        """Begin a training's run, or go on with it."""
        import wandb

        name, seed = history.run.split("/")
        identity = digest_value([self._root.name, history.run, history.fingerprint])[:_ID_DIGITS]
        folder = self._logs / history.run
        folder.mkdir(parents=True, exist_ok=True)
        online = self._place["mode"] == "online"
        if not online:
            _forget_offline(folder, identity)
        run = wandb.init(
            **self._place,
            id=identity,
            name=history.run,
            group=self._root.name,
            job_type=name,
            tags=[name, seed],
            dir=str(folder),
            config=self._config(),
            resume="allow" if online else None,
            # Several runs at the same time, each with its own stream.
            reinit="create_new",
            settings=_quiet(),
        )
        return _WandbRun(run)

    def _config(self) -> dict[str, Any]:
        file = self._root / "config.yaml"
        return yaml.safe_load(file.read_text(encoding="utf-8")) if file.is_file() else {}


class _WandbRun:
    def __init__(self, run: Any) -> None:
        self._run = run
        # What the server has already; 0 for a run that is new to it.
        self._first = run.starting_step

    def write(self, number: int, values: Mapping[str, float]) -> None:
        if number >= self._first:
            self._run.log(dict(values), step=number)

    def close(self) -> None:
        self._run.finish()


def _forget_offline(folder: Path, identity: str) -> None:
    """Remove what an earlier process wrote of the same training, unless `wandb sync` has uploaded it."""
    for old in (folder / "wandb").glob(f"offline-run-*-{identity}"):
        if not any(old.glob("*.synced")):
            shutil.rmtree(old)


def _quiet() -> Any:
    """Return settings under which the client only keeps metrics: no console, code or machine."""
    import wandb

    return wandb.Settings(
        silent=True,
        console="off",
        disable_git=True,
        disable_code=True,
        x_disable_stats=True,
        x_disable_meta=True,
        x_disable_machine_info=True,
    )
