"""Where the object lay, and from where the arms succeed."""

from __future__ import annotations

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from fedarm.report.episodes import START
from fedarm.report.experiment import ExperimentResults
from fedarm.report.figures.style import (
    FAINT,
    INK,
    MUTED,
    empty_figure,
    new_figure,
    write_message,
)
from fedarm.report.motion import success_by_start
from fedarm.report.verdicts import Decision
from fedarm.report.wording import label

_PANEL_IN = 1.25
_PAD_M = 0.012
_NEVER = "#a5432c"
_SHARES = sns.light_palette("#0f6f78", as_cmap=True)


def draw_success_by_start(results: ExperimentResults, decisions: tuple[Decision, ...]) -> Figure:
    """Draw a column a task, a row an arm, a mark an initial condition; the decisions play no part.

    Of the local arms only the task's own is drawn.
    """
    del decisions
    settings = results.settings
    table = success_by_start(results)
    if table[START[0]].isna().all():
        return empty_figure(
            "Where the objects lay is unknown: these rollouts did not write it down."
        )
    rows = [name for name in settings.names if settings.kind_of(name) != "local"]
    if any(settings.kind_of(name) == "local" for name in settings.names):
        rows.insert(rows.index("base") + 1 if "base" in rows else 0, "local")
    figure = new_figure(0.8 + _PANEL_IN * len(rows))
    panels = figure.subplots(len(rows), len(settings.datasets), squeeze=False)
    for column, dataset in enumerate(settings.datasets):
        panels[0, column].set_title(label(dataset).replace(" ", "\n", 1))
        for row, name in enumerate(rows):
            shown = f"local_{dataset}" if name == "local" else name
            cells = table[(table["name"] == shown) & (table["dataset"] == dataset)]
            _draw_panel(panels[row, column], cells, table[table["dataset"] == dataset])
    for row, name in enumerate(rows):
        panels[row, 0].annotate(
            label(name), (-0.1, 0.5), xycoords="axes fraction", rotation=90, ha="right", va="center"
        )
    _add_legend(figure)
    return figure


def _draw_panel(axes: Axes, cells: pd.DataFrame, of_task: pd.DataFrame) -> None:
    """Draw the cells of an arm, on the piece of table that all arms of the task share."""
    if cells.empty or cells[START[0]].isna().all():
        write_message(axes, "\N{EN DASH}" if cells.empty else "positions\nunknown")
        return
    # Seen from behind the arm: what is far away is above, its left is left.
    across, away = -cells[START[1]], cells[START[0]]
    never = cells["success"] == 0
    axes.scatter(across[never], away[never], marker="x", s=16, color=_NEVER, linewidths=1.1)
    axes.scatter(
        across[~never],
        away[~never],
        c=cells.loc[~never, "success"],
        cmap=_SHARES,
        vmin=0,
        vmax=1,
        s=24,
        edgecolors=INK,
        linewidths=0.4,
    )
    axes.set_xlim(*_padded(-of_task[START[1]]))
    axes.set_ylim(*_padded(of_task[START[0]]))
    axes.set_aspect("equal")
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_color(FAINT)


def _padded(values: pd.Series[float]) -> tuple[float, float]:
    return values.min() - _PAD_M, values.max() + _PAD_M


def _add_legend(figure: Figure) -> None:
    handles = [
        Line2D(
            [], [], marker="x", linestyle="", color=_NEVER, markersize=5, label="no seed succeeds"
        )
    ]
    for share, text in ((1 / 3, "one in three"), (2 / 3, "two in three"), (1.0, "all")):
        handles.append(
            Line2D(
                [],
                [],
                marker="o",
                linestyle="",
                color=_SHARES(share),
                markeredgecolor=INK,
                markeredgewidth=0.4,
                markersize=5,
                label=text,
            )
        )
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), labelcolor=MUTED)
