"""What is believed of every arm's success, with letters for those that are not told apart."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fedarm.report.experiment import ExperimentResults
from fedarm.report.figures.style import FAINT, INK, MUTED, colours, new_figure, percent_axis
from fedarm.report.posteriors import beliefs, posterior_cells, posteriors
from fedarm.report.verdicts import Decision
from fedarm.report.wording import label, metric_tasks

_ROW_IN = 0.36
_HEIGHT = 0.62


def draw_posteriors(results: ExperimentResults, decisions: tuple[Decision, ...]) -> Figure:
    """Draw a panel a group of tasks, a hill and an interval a run's name; the decisions play no part."""
    del decisions
    settings = results.settings
    believed = beliefs(results)
    summary, cells = posteriors(believed), posterior_cells(believed)
    groups = [False, True] if settings.unseen else [False]
    figure = new_figure(0.85 + _ROW_IN * len(settings.names))
    panels = figure.subplots(1, len(groups), sharey=True, squeeze=False).ravel()
    palette = colours(settings)
    for panel, unseen in zip(panels, groups, strict=True):
        panel.set_title(metric_tasks("success_unseen" if unseen else "success"))
        for position, name in enumerate(settings.names):
            of_arm = summary[(summary["name"] == name) & (summary["unseen"] == unseen)]
            hill = cells[(cells["name"] == name) & (cells["unseen"] == unseen)]
            _draw_arm(panel, position, of_arm.iloc[0], hill, palette[name])
        percent_axis(panel, "x", label="success")
        panel.grid(axis="x", color=FAINT)
        panel.set_axisbelow(True)
        panel.spines[["left", "top", "right"]].set_visible(False)
        _write_letters(panel, -0.75, "letters", colour=MUTED, size=7.5)
    panels[0].set_yticks(range(len(settings.names)), [label(name) for name in settings.names])
    panels[0].set_ylim(len(settings.names) - 0.7, -0.95)
    return figure


def _draw_arm(
    axes: Axes, position: int, arm: pd.Series[Any], hill: pd.DataFrame, colour: str
) -> None:
    """Draw an arm's hill on its line; the dot is hollow if it speaks of these checkpoints only."""
    heights = _HEIGHT * hill["probability"] / hill["probability"].max()
    axes.fill_between(
        hill["success"], position, position - heights, color=colour, alpha=0.35, linewidth=0
    )
    axes.plot([arm["low"], arm["high"]], [position] * 2, color=colour, linewidth=1.8)
    anew = arm["level"] == "seeds"
    axes.plot(
        arm["mean"],
        position,
        "o",
        color=colour if anew else "white",
        markersize=5,
        markeredgecolor="white" if anew else colour,
        markeredgewidth=0.7 if anew else 1.2,
    )
    _write_letters(axes, position, str(arm["letters"]), colour=INK, size=8.5)


def _write_letters(axes: Axes, position: float, text: str, *, colour: str, size: float) -> None:
    axes.annotate(
        text,
        (1, position),
        xycoords=axes.get_yaxis_transform(),
        xytext=(6, 0),
        textcoords="offset points",
        va="center",
        color=colour,
        fontsize=size,
        annotation_clip=False,
    )
