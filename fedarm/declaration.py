"""What the verdict will speak of, written down before there is anything to look at.

`results/<experiment>/declaration.json` holds what was declared each time that it was another, and how
many rollouts were there by then: none, if it was declared before the data. Whoever adds seeds after a
look at the verdict, or widens a margin, finds that in the report.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from fedarm.checked_json import read_checked
from fedarm.experiment import Experiment
from fedarm.paths import write_json
from fedarm.provenance import digest_value


class Declared(BaseModel):
    """What was declared at one time.

    Attributes:
        sha256: The digest of `plan`.
        rollouts: How many files of rollouts there were by then.
        plan: The estimand, the comparisons and their design.
    """

    model_config = ConfigDict(frozen=True)

    sha256: str
    rollouts: int
    plan: Mapping[str, Any]


class Declarations(BaseModel):
    """All declarations of an experiment, the first one first."""

    model_config = ConfigDict(frozen=True)

    schema_version: Literal[1]
    declarations: tuple[Declared, ...]


def plan_of(experiment: Experiment) -> dict[str, Any]:
    """Return what an experiment's configuration declares: estimand, comparisons and design."""
    config = experiment.config
    candidates = [name for name, arm in config.arms.items() if arm.kind == "federated"]
    return {
        "estimand": {
            "primary": "ratio of the candidate's success to the reference's",
            "secondary": "difference of the two",
            "averaged_over": ["task", "training seed", "initial condition"],
        },
        "reference": config.compare.reference,
        "candidates": [name for name in candidates if name != config.compare.reference],
        "margins": list(config.compare.margins),
        "level": config.compare.level,
        "confidence": 0.95,
        "tasks": list(config.clients),
        "unseen": list(config.unseen),
        "seeds": list(config.seeds),
        "evaluation": experiment.evaluation.kind,
        "initial_conditions": config.rollout.episodes if experiment.rolled_out else None,
        **({"looks": config.compare.looks} if config.compare.looks > 1 else {}),
    }


def declare(experiment: Experiment) -> None:
    """Add what the configuration declares to the experiment's declarations, if it is another.

    Raises:
        ResultsError: The file is damaged or cannot be written.
    """
    file = experiment.declaration
    before = read_declarations(file).declarations if file.exists() else ()
    plan = plan_of(experiment)
    digest = digest_value(plan)
    if before and before[-1].sha256 == digest:
        return
    paths = (experiment.run_paths(run) for run in experiment.judged_runs)
    rollouts = sum(run.episodes(name).exists() for run in paths for name in experiment.judged)
    declared = Declared(sha256=digest, rollouts=rollouts, plan=plan)
    content = Declarations(schema_version=1, declarations=(*before, declared))
    write_json(file, content.model_dump(mode="json"))


def read_declarations(file: Path) -> Declarations:
    """Read the declarations of an experiment.

    Raises:
        ResultsError: The file is missing or damaged.
    """
    return read_checked(
        Declarations,
        file,
        problem="not a list of declarations",
        remedy="delete the file; the next run declares anew, and says how many rollouts there were",
    )
