"""Labels: who succeeded on a real arm, as a person saw it. A CSV file with a row an episode.

    dataset             on whose task: a client or an unseen dataset; may be left out where only one has
                        a recording
    episode             which episode of that dataset's recording
    arm                 whose policy acted: an arm, or `local_<client>`
    seed                its training seed; may be left out where every arm has one
    initial_condition   which initial condition it started from: the same number for the same one
    success             1 or 0, true or false, yes or no
    note                anything; may be left out

Other columns are ignored. Nothing is guessed: a label that does not fit is refused with its line.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fedarm.errors import DataError, suggest
from fedarm.evaluation_settings import RecordedSettings

_REQUIRED = ("episode", "arm", "initial_condition", "success")
_SUCCESS = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


@dataclass(frozen=True)
class Row:
    """A line of a CSV file.

    Attributes:
        file: The file.
        line: Its line, counted from 1.
        cells: By column, without white space around them.
    """

    file: Path
    line: int
    cells: Mapping[str, str]

    def error(self, message: str, *, column: str, remedy: str) -> DataError:
        """Return an error that names this line and one of its columns."""
        return DataError(
            message,
            file=f"{self.file}, line {self.line}",
            key=column,
            value=self.cells.get(column, ""),
            remedy=remedy,
        )

    def number(self, column: str) -> int:
        """Return a cell as a whole number from 0.

        Raises:
            DataError: It is none.
        """
        text = self.cells[column]
        if not (text.isascii() and text.isdigit()):
            raise self.error(
                "not a whole number", column=column, remedy="write a number, counted from 0"
            )
        return int(text)

    def success(self) -> bool:
        """Return whether the episode succeeded.

        Raises:
            DataError: The cell says neither.
        """
        found = _SUCCESS.get(self.cells["success"].lower())
        if found is None:
            raise self.error(
                "success is 1 or 0", column="success", remedy=f"write one of: {', '.join(_SUCCESS)}"
            )
        return found


@dataclass(frozen=True)
class Label:
    """How an episode on a real arm went.

    Attributes:
        dataset: On whose task.
        episode: Which episode of the recording.
        name: The run's name.
        seed: The run's training seed.
        initial_condition: Where it started from.
        success: Whether the task was done.
        note: What the person had to say.
    """

    dataset: str
    episode: int
    name: str
    seed: int
    initial_condition: int
    success: bool
    note: str


def read_rows(file: Path, required: Sequence[str]) -> tuple[Row, ...]:
    """Read a CSV file with a header line; empty lines are passed over.

    Raises:
        DataError: It is missing, empty, not text, lacks a column, or has lines of another length.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"cannot read the file: {error}",
            file=file,
            remedy="give an existing CSV file, saved as UTF-8",
        ) from None
    reader = csv.reader(io.StringIO(text))
    header = [cell.strip() for cell in next(reader, [])]
    for column in required:
        if column not in header:
            raise DataError(
                "a column is missing",
                file=file,
                key=column,
                value=header,
                remedy=f"the first line names the columns, separated by commas: {', '.join(required)}",
            )
    rows = tuple(_rows(file, reader, header))
    if not rows:
        raise DataError("there is no row", file=file, remedy="add a line for each episode")
    return rows


def read_labels(settings: RecordedSettings) -> tuple[Label, ...]:
    """Read the labels of an experiment.

    Raises:
        DataError: A column is missing, a label is of no known dataset, arm or seed, says neither success
            nor failure, or stands twice; or a run has no label on a dataset.
    """
    datasets = [recording.dataset for recording in settings.recordings]
    seeds = {run.seed for run, _, _ in settings.runs}
    required = (
        *(("dataset",) if len(datasets) > 1 else ()),
        *_REQUIRED,
        *(("seed",) if len(seeds) > 1 else ()),
    )
    rows = read_rows(settings.labels, required)
    labels = tuple(_label(row, settings, datasets) for row in rows)
    _check_unique(rows, labels, settings)
    _check_complete(labels, settings)
    return labels


def _rows(file: Path, reader: Iterator[list[str]], header: list[str]) -> Iterator[Row]:
    for cells in reader:
        line = reader.line_num  # type: ignore[attr-defined]
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            raise DataError(
                f"the line has {len(cells)} cells, the header {len(header)}",
                file=f"{file}, line {line}",
                value=cells,
                remedy="put quotes around a note that holds a comma, and give every line all commas",
            )
        stripped = [cell.strip() for cell in cells]
        yield Row(file, line, dict(zip(header, stripped, strict=True)))


def _label(row: Row, settings: RecordedSettings, datasets: Sequence[str]) -> Label:
    names = dict.fromkeys(run.name for run, _, _ in settings.runs)
    dataset = row.cells.get("dataset", datasets[0])
    name = row.cells["arm"]
    for column, value, known in (("dataset", dataset, datasets), ("arm", name, names)):
        if value not in known:
            raise row.error(f"no such {column}", column=column, remedy=suggest(value, known))
    seeds = [run.seed for run, _, _ in settings.runs if run.name == name]
    seed = row.number("seed") if "seed" in row.cells else seeds[0]
    if seed not in seeds:
        raise row.error(
            f"{name} was not trained with this seed",
            column="seed",
            remedy=f"known: {', '.join(map(str, seeds))}",
        )
    return Label(
        dataset=dataset,
        episode=row.number("episode"),
        name=name,
        seed=seed,
        initial_condition=row.number("initial_condition"),
        success=row.success(),
        note=row.cells.get("note", ""),
    )


def _check_unique(rows: Sequence[Row], labels: Sequence[Label], settings: RecordedSettings) -> None:
    """Refuse an episode, or a run's attempt from an initial condition, that stands twice."""
    folders = {recording.dataset: recording.folder for recording in settings.recordings}
    episodes: dict[tuple[object, ...], int] = {}
    attempts: dict[tuple[object, ...], int] = {}
    for row, label in zip(rows, labels, strict=True):
        attempt = (label.dataset, label.name, label.seed, label.initial_condition)
        for seen, key, column, what in (
            (episodes, (folders[label.dataset], label.episode), "episode", "this episode"),
            (attempts, attempt, "initial_condition", "this attempt of the same run"),
        ):
            if key in seen:
                raise row.error(
                    f"{what} stands in line {seen[key]} already",
                    column=column,
                    remedy="each episode has one label, and a run starts once from each initial"
                    " condition: take one of the lines out, or mend its numbers",
                )
            seen[key] = row.line


def _check_complete(labels: Sequence[Label], settings: RecordedSettings) -> None:
    labelled = {(label.dataset, label.name, label.seed) for label in labels}
    for recording in settings.recordings:
        for run, _, _ in settings.runs:
            if (recording.dataset, run.name, run.seed) not in labelled:
                raise DataError(
                    "a run has no episode on a task",
                    file=settings.labels,
                    key=f"dataset {recording.dataset}",
                    value=f"{run.name} seed {run.seed}",
                    remedy="record it; or name the arms that were on the real arm in"
                    " `evaluation.arms`, and leave the task out of `evaluation.recordings`",
                )
