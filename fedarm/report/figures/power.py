"""Power over seeds or episodes, and where this experiment stands."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, MaxNLocator, NullFormatter, StrMethodFormatter

from fedarm.report.experiment import ExperimentResults
from fedarm.report.figures.candidates import candidate_panels
from fedarm.report.figures.style import (
    INK,
    MUTED,
    add_legend,
    colours,
    empty_figure,
    percent_axis,
)
from fedarm.report.power import projected_power
from fedarm.report.verdicts import Decision
from fedarm.report.wording import design
from fedarm.stats.power import POWER, Design
from fedarm.stats.verdict import percent

_NOW, _MORE = "-", (0, (4, 2))
_RING: Any = {"markersize": 8, "markeredgecolor": INK, "markeredgewidth": 1.3}


def draw_power(results: ExperimentResults, decisions: tuple[Decision, ...]) -> Figure:
    """Draw a row a candidate, a panel a margin, a curve a number of episodes, a ring where we are."""
    table = projected_power(results, decisions)
    if table.empty:
        reason = "The reference never succeeds" if decisions else "Nothing is compared"
        return empty_figure(f"{reason}: there is no power to project.")
    settings = results.settings
    margins = sorted(settings.margins, reverse=True)
    # A candidate whose seeds agree is compared over episodes, which another abscissa would have to show.
    level = "seeds" if (table["level"] == "seeds").any() else "checkpoints"
    titles = [f"non-inferior within {percent(margin)}" for margin in margins]
    figure, panels = candidate_panels(settings, titles, ordinate="chance to show it")
    palette = colours(settings)
    drawn = table[table["level"] == level]
    for row, candidate in zip(panels, settings.candidates, strict=True):
        for panel, margin in zip(row, margins, strict=True):
            curves = drawn[(drawn["candidate"] == candidate) & (drawn["margin"] == margin)]
            _draw_panel(panel, curves, palette[candidate])
    for panel in panels[:, 0]:
        percent_axis(panel, "y", label=panel.get_ylabel())
    for panel in panels[-1]:
        _set_abscissa(panel, drawn)
    _add_legend(figure, drawn)
    return figure


def _draw_panel(axes: Axes, curves: pd.DataFrame, colour: str) -> None:
    if curves.empty:
        axes.text(
            0.5,
            0.4,
            "no variance between seeds was seen",
            ha="center",
            color=MUTED,
            transform=axes.transAxes,
        )
        return
    axes.axhline(POWER, color=INK, linewidth=0.9, linestyle=(0, (1, 2)))
    over_seeds = curves["level"].iloc[0] == "seeds"
    abscissa = "seeds" if over_seeds else "episodes"
    for _, curve in curves.groupby("episodes" if over_seeds else "seeds"):
        here = curve[curve["here"]]
        style = _MORE if here.empty else _NOW
        axes.plot(curve[abscissa], curve["power"], color=colour, linestyle=style, linewidth=1.7)
        if not here.empty:
            ring = here.iloc[0]
            axes.plot(
                ring[abscissa], ring["power"], "o", color=colour, zorder=3, clip_on=False, **_RING
            )


def _set_abscissa(axes: Axes, drawn: pd.DataFrame) -> None:
    if drawn["level"].iloc[0] == "seeds":
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("training seeds an arm")
        return
    axes.set_xscale("log", base=2)
    first = drawn[drawn["candidate"] == drawn["candidate"].iloc[0]]
    numbers = first["episodes"].drop_duplicates().sort_values().to_list()
    axes.xaxis.set_major_locator(FixedLocator(numbers[::4]))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:.0f}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("episodes a task, of these checkpoints")


def _add_legend(figure: Figure, drawn: pd.DataFrame) -> None:
    places = drawn.loc[drawn["here"], ["seeds", "episodes"]].drop_duplicates()
    here = Design(*(int(number) for number in places.iloc[0]))
    # Rollouts that stopped at different looks are in different places.
    place = f": {design(here)}" if len(places) == 1 else ""
    handles = [
        Line2D(
            [], [], marker="o", linestyle="", color="white", label=f"you are here{place}", **_RING
        )
    ]
    if drawn["level"].iloc[0] == "seeds":
        more = drawn.loc[drawn["episodes"] != here.episodes, "episodes"].iloc[0]
        text = f"with {more} episodes a task"
        handles.append(Line2D([], [], color=MUTED, linestyle=_MORE, linewidth=1.7, label=text))
    add_legend(figure, handles)
