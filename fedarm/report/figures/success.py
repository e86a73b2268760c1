"""Success of every arm on every task, with Wilson intervals."""

from __future__ import annotations

import math

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fedarm.report.experiment import ExperimentResults
from fedarm.report.figures.style import FAINT, MUTED, colours, new_figure, percent_axis
from fedarm.report.success import success_by_task
from fedarm.report.verdicts import Decision
from fedarm.report.wording import label

_COLUMNS = 3
_ROW_IN = 0.21


def draw_success(results: ExperimentResults, decisions: tuple[Decision, ...]) -> Figure:
    """Draw a panel a task with a row a run's name; the decisions play no part."""
    del decisions
    settings = results.settings
    table = success_by_task(results)
    columns = min(_COLUMNS, len(settings.datasets))
    lines = math.ceil(len(settings.datasets) / columns)
    figure = new_figure(lines * (0.75 + _ROW_IN * len(settings.names)))
    panels = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False).ravel()
    palette = colours(settings)
    for panel, dataset in zip(panels, settings.datasets, strict=False):
        kind = "unseen" if dataset in settings.unseen else "client"
        panel.set_title(label(dataset))
        panel.annotate(
            kind,
            (1, 1),
            xycoords="axes fraction",
            xytext=(0, 6),
            textcoords="offset points",
            ha="right",
            color=MUTED,
            fontsize=7.5,
            style="italic",
        )
        _draw_panel(panel, table[table["dataset"] == dataset], settings.names, palette)
    for panel in panels[len(settings.datasets) :]:
        panel.set_visible(False)
    for panel in panels[max(len(settings.datasets) - columns, 0) : len(settings.datasets)]:
        panel.set_xlabel("success")
        panel.tick_params(labelbottom=True)
    return figure


def _draw_panel(
    axes: Axes, cells: pd.DataFrame, names: tuple[str, ...], palette: dict[str, str]
) -> None:
    for position, name in enumerate(names):
        cell = cells[cells["name"] == name].iloc[0]
        colour = palette[name]
        ends = [cell["low"], cell["high"]]
        axes.plot(ends, [position] * 2, color=colour, linewidth=1.6, alpha=0.8)
        axes.plot(
            cell["success"],
            position,
            "o",
            color=colour,
            markersize=5,
            markeredgecolor="white",
            markeredgewidth=0.7,
        )
    axes.set_yticks(range(len(names)), [label(name) for name in names])
    axes.set_ylim(len(names) - 0.4, -0.6)
    percent_axis(axes, "x", label="")
    axes.grid(axis="x", color=FAINT)
    axes.set_axisbelow(True)
    axes.spines[["left", "top", "right"]].set_visible(False)
