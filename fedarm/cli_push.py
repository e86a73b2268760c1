"""The subcommand `fedarm push`: final checkpoints, and rollouts, to the Hugging Face hub.

Each run becomes a repository `OWNER/<experiment>-<arm>-seed<k>`: LeRobot's `pretrained_model`, with a
page. LeRobot's commands take its name as `--policy.path`.
"""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fedarm.errors import ConfigError

if TYPE_CHECKING:
    from fedarm.publishing.findings import Checkpoint, Findings
    from fedarm.publishing.hub import Upload

# LeRobot takes a dataset's format version from the repository's tags.
_DATASET_FORMAT = "v3.0"
_MEGABYTE = 1_000_000


def add_command(groups: Any) -> None:
    """Add `push` to the subparsers of the `fedarm` command."""
    parser = groups.add_parser("push", help="publish checkpoints and rollouts on the hub")
    # This command prints no JSON.
    parser.set_defaults(run=run_push, json=False)
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="results/<experiment>")
    parser.add_argument("--owner", required=True, help="a user or organisation of the hub")
    parser.add_argument(
        "--arm", action="append", required=True, help="the runs' folder, fedprox; repeatable"
    )
    parser.add_argument(
        "--seed", type=int, action="append", help="a training seed; repeatable; by default all"
    )
    parser.add_argument(
        "--rollouts", action="store_true", help="also the datasets of `rollout.as_dataset`"
    )
    parser.add_argument("--public", action="store_true", help="for everybody to see")
    parser.add_argument("--dry-run", action="store_true", help="print what would be pushed")


def run_push(args: Namespace) -> int:
    """Push what is asked for, after a look at all of it."""
    from fedarm.publishing.findings import find_checkpoint, read_findings
    from fedarm.publishing.hub import push

    findings = read_findings(args.folder)
    checkpoints = [
        find_checkpoint(findings, name, seed)
        for name in args.arm
        for seed in args.seed or findings.arm(name)["seeds"]
    ]
    uploads = [
        upload
        for checkpoint in checkpoints
        for upload in _uploads(findings, checkpoint, owner=args.owner, rollouts=args.rollouts)
    ]
    whose = "public" if args.public else "private"
    for upload in uploads:
        size = f"{len(upload.files)} files, {upload.total_bytes / _MEGABYTE:.1f} MB"
        if args.dry_run:
            print(
                f"would push {upload.folder} to the {whose} {upload.kind} {upload.repo_id}: {size}"
            )
        else:
            print(f"{push(upload, public=args.public)}: {whose} {upload.kind}, {size}")
    return 0


def _uploads(
    findings: Findings, checkpoint: Checkpoint, *, owner: str, rollouts: bool
) -> list[Upload]:
    from fedarm.publishing.cards import dataset_card, model_card
    from fedarm.publishing.hub import Upload

    experiment = findings.results["experiment"]
    repo_id = f"{owner}/{experiment}-{checkpoint.name}-seed{checkpoint.seed}"
    card = model_card(findings, checkpoint, repo_id=repo_id)
    uploads = [Upload(repo_id, "model", checkpoint.folder, card)]
    if not rollouts:
        return uploads
    if not checkpoint.rollouts:
        raise ConfigError(
            "no rollouts were written as LeRobot datasets",
            file=findings.root / checkpoint.name / f"seed{checkpoint.seed}" / "rollouts",
            key="rollout.as_dataset",
            value=findings.config["rollout"]["as_dataset"],
            remedy="set it to true and run the workflow again, or leave out --rollouts",
        )
    for task, folder in checkpoint.rollouts.items():
        page = dataset_card(findings, checkpoint, task=task)
        name = f"{repo_id}-rollouts-{task}"
        uploads.append(Upload(name, "dataset", folder, page, _DATASET_FORMAT))
    return uploads
