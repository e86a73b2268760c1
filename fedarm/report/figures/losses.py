"""Held-out loss against success, checkpoint by checkpoint."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from fedarm.report.experiment import ExperimentResults
from fedarm.report.figures.style import FAINT, MUTED, add_legend, colours, new_figure, percent_axis
from fedarm.report.losses import LossRank, loss_and_success, rank_by_loss
from fedarm.report.verdicts import Decision
from fedarm.report.wording import label

_COLUMNS = 3
_LINE_IN = 2.1
_EARLIER: Any = {"s": 13, "linewidths": 0.8, "alpha": 0.8}
_FINAL: Any = {"s": 26, "linewidths": 0.6, "alpha": 0.9}


def draw_loss_and_success(results: ExperimentResults, decisions: tuple[Decision, ...]) -> Figure:
    """Draw a panel a task, a dot a checkpoint, hollow before the last round."""
    del decisions
    settings = results.settings
    table = loss_and_success(results)
    ranks = rank_by_loss(results)
    columns = min(_COLUMNS, len(ranks))
    lines = math.ceil(len(ranks) / columns)
    figure = new_figure(0.4 + _LINE_IN * lines)
    panels = figure.subplots(lines, columns, sharey=True, squeeze=False)
    palette = colours(settings)
    for panel, rank in zip(panels.ravel(), ranks, strict=False):
        _draw_panel(panel, table[table["dataset"] == rank.dataset], rank, palette)
    for panel in panels.ravel()[len(ranks) :]:
        panel.set_visible(False)
    for panel in panels.ravel()[max(len(ranks) - columns, 0) : len(ranks)]:
        panel.set_xlabel("held-out loss")
    for panel in panels[:, 0]:
        panel.set_ylabel("success")
    _add_legend(figure, [name for name in settings.names if name in set(table["name"])], palette)
    return figure


def _draw_panel(axes: Axes, rows: pd.DataFrame, rank: LossRank, palette: dict[str, str]) -> None:
    for final, style in ((False, _EARLIER), (True, _FINAL)):
        dots = rows[rows["final"] == final]
        colours_of = [palette[name] for name in dots["name"]]
        edges = "white" if final else colours_of
        faces = colours_of if final else "none"
        axes.scatter(dots["loss"], dots["success"], facecolors=faces, edgecolors=edges, **style)
    axes.set_title(label(rank.dataset))
    axes.annotate(
        _rank_text(rank.spearman_checkpoints),
        (1, 1),
        xycoords="axes fraction",
        xytext=(0, 6),
        textcoords="offset points",
        ha="right",
        color=MUTED,
        fontsize=8,
    )
    axes.grid(color=FAINT)
    axes.set_axisbelow(True)
    axes.margins(x=0.12)
    axes.spines[["top", "right"]].set_visible(False)
    percent_axis(axes, "y", label="")


def _rank_text(spearman: float | None) -> str:
    if spearman is None:
        return "ρ undefined"
    return f"ρ = {spearman:.2f}".replace("-", "\N{MINUS SIGN}")


def _add_legend(figure: Figure, names: list[str], palette: dict[str, str]) -> None:
    """Add an entry a colour: the local arms share theirs."""
    entries = {("local" if name.startswith("local_") else name): palette[name] for name in names}
    handles = [
        Line2D([], [], marker="o", linestyle="", color=colour, markersize=5, label=label(name))
        for name, colour in entries.items()
    ]
    add_legend(figure, handles)
