"""The pages of what is published: `README.md` of a repository, with the metadata that the hub reads."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2

from fedarm.publishing.findings import Checkpoint, Findings

_HERE = Path(__file__).parent
_ROLES = ("clients", "unseen")


def model_card(findings: Findings, checkpoint: Checkpoint, *, repo_id: str) -> str:
    """Return the page of a checkpoint: verdict, success, budget, data and use.

    Args:
        findings: What its experiment has found.
        checkpoint: The checkpoint.
        repo_id: Where it will lie, `owner/name`.
    """
    arm = findings.arm(checkpoint.name)
    budget = next(b for b in findings.results["budgets"] if b["name"] == checkpoint.name)
    text = _render(
        "model_card.md.j2",
        **_common(findings, checkpoint),
        repo_id=repo_id,
        kind=arm["kind"],
        arm=findings.config["arms"].get(arm["arm"], {}),
        policy=findings.config["policy"],
        clients=findings.results["clients"],
        seeds=len(arm["seeds"]),
        verdict=findings.verdict.rstrip(),
        tasks=[_task_row(name, task, checkpoint.seed) for name, task in arm["tasks"].items()],
        budget=budget,
        datasets=_dataset_rows(findings),
    )
    return f"---\n{_metadata(findings, checkpoint)}\n---\n\n{text}"


def dataset_card(findings: Findings, checkpoint: Checkpoint, *, task: str) -> str:
    """Return the page of the rollouts of a checkpoint on one dataset's task."""
    from huggingface_hub import DatasetCardData

    data = DatasetCardData(task_categories=["robotics"], tags=["LeRobot", "fedarm", "rollouts"])
    text = _render("dataset_card.md.j2", **_common(findings, checkpoint), task=task)
    return f"---\n{data.to_yaml()}\n---\n\n{text}"


def _common(findings: Findings, checkpoint: Checkpoint) -> dict[str, Any]:
    return {
        "experiment": findings.results["experiment"],
        "name": checkpoint.name,
        "seed": checkpoint.seed,
        "sha256": checkpoint.sha256,
        "versions": findings.manifest["versions"],
        "commit": findings.manifest["code"]["git_commit"],
    }


def _metadata(findings: Findings, checkpoint: Checkpoint) -> str:
    """Return what the hub reads: library, datasets of the hub, and success by task."""
    from huggingface_hub import EvalResult, ModelCardData

    arm = findings.arm(checkpoint.name)
    results = []
    for name, task in arm["tasks"].items():
        here = task["by_seed"][str(checkpoint.seed)]
        results.append(
            EvalResult(
                task_type="robotics",
                # The hub tells results apart by this and not by the name.
                dataset_type=name,
                dataset_name=name,
                metric_type="success_rate",
                metric_value=here["successes"] / here["episodes"],
                metric_name=f"success of {here['episodes']}, {findings.results['evaluation']}",
            )
        )
    sections = findings.config["datasets"]
    names = (name for role in _ROLES for name in findings.results[role])
    used = [sections[name] for name in names if name in sections]
    data = ModelCardData(
        library_name="lerobot",
        pipeline_tag="robotics",
        tags=["robotics", "lerobot", "fedarm", str(arm["kind"]), findings.config["policy"]["type"]],
        datasets=[section["repo_id"] for section in used if section["source"] == "hub"] or None,
        model_name=f"{findings.results['experiment']}-{checkpoint.name}-seed{checkpoint.seed}",
        eval_results=results or None,
    )
    return str(data.to_yaml())


def _task_row(name: str, task: Mapping[str, Any], seed: int) -> dict[str, Any]:
    here = task["by_seed"][str(seed)]
    low, high = task["wilson_ci"]
    return {
        "name": name,
        "unseen": task["unseen"],
        "here": f"{here['successes']} of {here['episodes']}",
        "all": f"{task['successes']} of {task['episodes']}",
        "interval": f"{100 * low:.0f} to {100 * high:.0f} %",
    }


def _dataset_rows(findings: Findings) -> list[dict[str, str]]:
    roles = {
        **dict.fromkeys(findings.manifest["datasets"], "pool"),
        **dict.fromkeys(findings.results["unseen"], "unseen"),
        **dict.fromkeys(findings.results["clients"], "client"),
    }
    return [
        {
            "name": name,
            "role": roles[name],
            "version": entry["version"],
            "content": entry["content_sha256"],
        }
        for name, entry in findings.manifest["datasets"].items()
    ]


def _render(template: str, **facts: Any) -> str:
    # Nothing is escaped: it is Markdown of our own results, and no page of a browser.
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    return environment.get_template(template).render(facts)
