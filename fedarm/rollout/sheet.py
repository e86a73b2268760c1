"""The evaluation sheet for a real arm: which policy acts when, without saying which it is.

Tasks come one after the other, because a scene takes time to set up. Within a task the order is that of
randomised blocks: initial conditions in random order, and from each of them every run once, in random
order. What drifts over a day (light, motors, the operator) then meets all arms alike.

Each trial has a code of its own. The sheet, for the person who judges, has codes only; the key, for the
person or script that starts the policies, says which policy a code stands for.

    sheet   order, code, dataset, initial_condition, episode, success, note
    key     code, dataset, initial_condition, arm, seed, checkpoint

`episode` is where the recording should have the trial when all are recorded in this order; who records
one again writes the number that it got. `success` and `note` are filled in.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fedarm.errors import ConfigError, DataError
from fedarm.experiment import Experiment
from fedarm.paths import write_atomic
from fedarm.provenance import derive_seed
from fedarm.rollout.labels import Row, read_rows
from fedarm.settings import Run

SHEET_COLUMNS = ("order", "code", "dataset", "initial_condition", "episode", "success", "note")
KEY_COLUMNS = ("code", "dataset", "initial_condition", "arm", "seed", "checkpoint")
LABEL_COLUMNS = ("dataset", "episode", "arm", "seed", "initial_condition", "success", "note")

# Without letters and digits that look alike, and without vowels that would make words.
_LETTERS = "BCDFGHJKMNPQRTVWXZ"
_DIGITS = "346789"


@dataclass(frozen=True)
class Trial:
    """One attempt on the real arm.

    Attributes:
        code: What the trial is called on the sheet.
        dataset: On whose task.
        initial_condition: Where it starts from.
        episode: Which episode of the task's recording it becomes.
        run: Whose policy acts.
    """

    code: str
    dataset: str
    initial_condition: int
    episode: int
    run: Run


def draw_trials(
    runs: Sequence[Run], datasets: Sequence[str], *, initial_conditions: int, seed: int
) -> tuple[Trial, ...]:
    """Return the trials in the order in which they are made; the same seed gives the same.

    Args:
        runs: The runs; each meets every initial condition of every dataset once.
        datasets: On whose tasks.
        initial_conditions: How many a task.
        seed: Seed of order and codes.
    """
    rng = np.random.default_rng(derive_seed(seed, "evaluation sheet"))
    codes = _codes(len(runs) * len(datasets) * initial_conditions, rng)
    trials: list[Trial] = []
    for dataset in datasets:
        first = len(trials)
        for condition in rng.permutation(initial_conditions):
            for position in rng.permutation(len(runs)):
                trials.append(
                    Trial(
                        code=codes[len(trials)],
                        dataset=dataset,
                        initial_condition=int(condition),
                        episode=len(trials) - first,
                        run=runs[position],
                    )
                )
    return tuple(trials)


def write_sheet(trials: Sequence[Trial], experiment: Experiment, *, sheet: Path, key: Path) -> None:
    """Write the sheet and its key.

    Raises:
        DataError: One of the files exists: it may be filled in already.
        ResultsError: A folder cannot be written.
    """
    for file in (sheet, key):
        _require_new(file)
    shown = (
        {
            "order": order,
            "code": trial.code,
            "dataset": trial.dataset,
            "initial_condition": trial.initial_condition,
            "episode": trial.episode,
            "success": "",
            "note": "",
        }
        for order, trial in enumerate(trials)
    )
    hidden = (
        {
            "code": trial.code,
            "dataset": trial.dataset,
            "initial_condition": trial.initial_condition,
            "arm": trial.run.name,
            "seed": trial.run.seed,
            "checkpoint": _checkpoint(experiment, trial),
        }
        # By code: the order of the key tells nothing to who glances at it.
        for trial in sorted(trials, key=lambda trial: trial.code)
    )
    write_atomic(key, _to_csv(KEY_COLUMNS, hidden))
    write_atomic(sheet, _to_csv(SHEET_COLUMNS, shown))


def join_sheet(*, sheet: Path, key: Path, out: Path) -> int:
    """Write the labels that a filled sheet and its key make, and return their number.

    Trials whose line was taken out of the sheet were not made, and have no label.

    Raises:
        DataError: A file is missing or broken; a code is unknown, or stands twice; a success is not
            filled in; or a trial is another one on the sheet than in the key.
        ResultsError: The folder cannot be written.
    """
    _require_new(out)
    by_code = _unique(read_rows(key, KEY_COLUMNS[:-1]))
    trials = read_rows(sheet, SHEET_COLUMNS[1:-1])
    _unique(trials)
    labels = [_label(trial, by_code, key) for trial in trials]
    labels.sort(key=lambda label: (label["dataset"], label["episode"]))
    write_atomic(out, _to_csv(LABEL_COLUMNS, labels))
    return len(labels)


def chosen_datasets(experiment: Experiment, wanted: Sequence[str]) -> tuple[str, ...]:
    """Return on whose tasks the trials are: those wanted, those recorded, or the clients'.

    Raises:
        ConfigError: A wanted one is not evaluated in the experiment.
    """
    for name in wanted:
        if name not in experiment.evaluated:
            raise ConfigError(
                "not a client or an unseen dataset of the experiment",
                key="--dataset",
                value=name,
                remedy=f"use some of {', '.join(experiment.evaluated)}",
            )
    recorded = experiment.judged if experiment.evaluation.kind == "recorded" else ()
    return tuple(wanted) or recorded or experiment.config.clients


def _codes(count: int, rng: np.random.Generator) -> list[str]:
    every = [f"{a}{b}{c}{d}" for a in _LETTERS for b in _DIGITS for c in _LETTERS for d in _DIGITS]
    if count > len(every):
        raise ConfigError(
            "more trials than there are codes",
            value=count,
            remedy=f"draw up several sheets of at most {len(every)} trials",
        )
    return [every[index] for index in rng.choice(len(every), size=count, replace=False)]


def _checkpoint(experiment: Experiment, trial: Trial) -> str:
    """Return the folder of the policy that acts: the client's own one, of arms that have such."""
    paths, number = experiment.run_paths(trial.run), experiment.last_round(trial.run)
    own = paths.client_model(number, trial.dataset)
    return str(own if own.exists() else paths.pretrained_model(number))


def _label(trial: Row, by_code: Mapping[str, Row], key: Path) -> dict[str, Any]:
    found = by_code.get(trial.cells["code"])
    if found is None:
        raise trial.error(
            f"the key in {key} has no such code",
            column="code",
            remedy="give the key that was drawn up with this sheet, or mend the code",
        )
    for column in ("dataset", "initial_condition"):
        if trial.cells[column] != found.cells[column]:
            raise trial.error(
                f"the key has {found.cells[column]!r} for this code",
                column=column,
                remedy="give the key that was drawn up with this sheet, or mend the cell",
            )
    return {
        "dataset": trial.cells["dataset"],
        "episode": trial.number("episode"),
        "arm": found.cells["arm"],
        "seed": found.number("seed"),
        "initial_condition": trial.number("initial_condition"),
        "success": int(trial.success()),
        "note": trial.cells.get("note", ""),
    }


def _unique(rows: Iterable[Row]) -> dict[str, Row]:
    by_code: dict[str, Row] = {}
    for row in rows:
        code = row.cells["code"]
        if code in by_code:
            raise row.error(
                f"this code stands in line {by_code[code].line} already",
                column="code",
                remedy="take one of the lines out",
            )
        by_code[code] = row
    return by_code


def _require_new(file: Path) -> None:
    if file.exists():
        raise DataError(
            "there is something here already, and nothing is replaced",
            file=file,
            remedy="give another name, or move the file away",
        )


def _to_csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
