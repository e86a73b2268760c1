"""What an experiment's folder says of its arms, for those who get a checkpoint without the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from fedarm.errors import ConfigError, ResultsError, suggest
from fedarm.paths import RunPaths, read_json
from fedarm.provenance import digest_folder, digest_value


@dataclass(frozen=True)
class Findings:
    """What a finished experiment has found.

    Attributes:
        root: The experiment's folder.
        results: `comparison/results.json`.
        verdict: `comparison/verdict.txt`.
        manifest: `manifest.json`.
        config: The resolved configuration.
    """

    root: Path
    results: Mapping[str, Any]
    verdict: str
    manifest: Mapping[str, Any]
    config: Mapping[str, Any]

    def arm(self, name: str) -> Mapping[str, Any]:
        """Return what was found of the runs of one name.

        Raises:
            ConfigError: There are no such runs.
        """
        arms = self.results["arms"]
        if name not in arms:
            raise ConfigError("no such arm", key="--arm", value=name, remedy=suggest(name, arms))
        found: Mapping[str, Any] = arms[name]
        return found


@dataclass(frozen=True)
class Checkpoint:
    """The final checkpoint of a run.

    Attributes:
        name: The run's folder: the arm, or `local_<client>`.
        seed: The training seed.
        folder: Its `pretrained_model`.
        sha256: Its digest, as it was compared.
        rollouts: By the results' tasks, the LeRobot datasets of its rollouts, where they were written.
    """

    name: str
    seed: int
    folder: Path
    sha256: str
    rollouts: Mapping[str, Path]


def read_findings(root: Path) -> Findings:
    """Read what a finished experiment has found.

    Raises:
        ResultsError: It is not finished.
    """
    verdict, config = root / "comparison" / "verdict.txt", root / "config.yaml"
    for file in (root / "manifest.json", verdict, config):
        if not file.is_file():
            raise ResultsError(
                "not a finished experiment: a file is missing",
                file=file,
                remedy="give results/<experiment>, after `snakemake` has run to its end",
            )
    return Findings(
        root=root,
        results=read_json(root / "comparison" / "results.json"),
        verdict=verdict.read_text(encoding="utf-8"),
        manifest=read_json(root / "manifest.json"),
        config=yaml.safe_load(config.read_text(encoding="utf-8")),
    )


def find_checkpoint(findings: Findings, name: str, seed: int) -> Checkpoint:
    """Return a run's final checkpoint, after a look at whether it is the one that was compared.

    Raises:
        ConfigError: There is no such run.
        ResultsError: The checkpoint is missing, another one, or not what acted on the clients' tasks.
    """
    arm = findings.arm(name)
    if str(seed) not in arm["checkpoints"]:
        raise ConfigError(
            f"{name} was not trained with this seed",
            key="--seed",
            value=seed,
            remedy=suggest(str(seed), arm["checkpoints"]),
        )
    paths = RunPaths(findings.root / name / f"seed{seed}", federated=arm["kind"] == "federated")
    _refuse_own_policies(findings, paths, name=name)
    folder = paths.pretrained_model(arm["round"])
    expected = arm["checkpoints"][str(seed)]
    if not folder.is_dir() or digest_value(digest_folder(folder)) != expected:
        raise ResultsError(
            "the checkpoint is not the one that was compared",
            file=folder,
            key="sha256",
            value=expected,
            remedy="run the workflow again, so that results and checkpoints belong together",
        )
    # The folder may also hold scenes that the experiment had once, and what a killed job has left.
    datasets = {task: paths.rollouts / task / "dataset" for task in sorted(arm["tasks"])}
    rollouts = {task: dataset for task, dataset in datasets.items() if dataset.is_dir()}
    return Checkpoint(name, seed, folder, expected, rollouts)


def _refuse_own_policies(findings: Findings, paths: RunPaths, *, name: str) -> None:
    """Refuse a run whose clients have policies of their own: the success on their tasks is theirs."""
    for client in findings.results["clients"]:
        own = paths.client_model(findings.arm(name)["round"], client)
        if own.is_dir():
            raise ResultsError(
                "clients have policies of their own: the shared one did not act on their tasks, and the"
                " page would give it a success that is not its own",
                file=own,
                key="--arm",
                value=name,
                remedy="leave this arm out; the folder is one client's policy, and the hub's own tool"
                " uploads it: hf upload OWNER/NAME FOLDER",
            )
