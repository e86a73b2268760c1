"""Writes the comparison's folder.

comparison/
    results.json     for machines; schema in docs/results_schema.md
    verdict.txt      for a terminal
    report.html      for people: one file
    figures/*.svg    those of `fedarm.report.figures` that the experiment has
    tables/*.csv     the data of every figure and table
"""

from __future__ import annotations

from pathlib import Path

from fedarm.paths import atomic_dir, write_atomic, write_json
from fedarm.report.arm_pairs import compare_arms
from fedarm.report.experiment import ExperimentResults, read_results
from fedarm.report.figures import figures_of
from fedarm.report.figures.style import figure_style, to_svg
from fedarm.report.inputs import ComparisonSettings
from fedarm.report.page import build_page
from fedarm.report.replay import in_words
from fedarm.report.results import build_results
from fedarm.report.tables import build_tables, to_csv
from fedarm.report.verdicts import Decision, decide_all
from fedarm.report.wording import NO_VERDICT, summary


def write_comparison(settings: ComparisonSettings, out: Path) -> None:
    """Compare the arms and write the comparison's folder, whole or not at all.

    Args:
        settings: What is compared.
        out: The folder; what was in it is replaced.

    Raises:
        ResultsError: Results are missing, broken or contradictory, or the folder cannot be written.
    """
    results = read_results(settings)
    decisions = decide_all(results)
    pairs = compare_arms(results)
    tables = build_tables(results, decisions, pairs)
    with figure_style():
        figures = {
            name: to_svg(text.draw(results, decisions))
            for name, text in figures_of(settings).items()
        }
    with atomic_dir(out) as folder:
        write_json(folder / "results.json", build_results(results, decisions, pairs))
        write_atomic(folder / "verdict.txt", _verdict_text(results, decisions))
        write_atomic(folder / "report.html", build_page(results, decisions, pairs, figures, tables))
        for name, svg in figures.items():
            write_atomic(folder / "figures" / f"{name}.svg", svg)
        for name, table in tables.items():
            write_atomic(folder / "tables" / f"{name}.csv", to_csv(table))


def _verdict_text(results: ExperimentResults, decisions: tuple[Decision, ...]) -> str:
    """Return the verdicts for a terminal; where nothing was tried, that there is none."""
    if results.settings.judged:
        return summary(decisions)
    return f"{NO_VERDICT} {in_words(results.replays)}"
