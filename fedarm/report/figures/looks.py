"""The group-sequential boundary, and what looks on the way saw, or would have seen."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from fedarm.report.experiment import ExperimentResults
from fedarm.report.figures.candidates import candidate_panels
from fedarm.report.figures.style import (
    FAINT,
    INK,
    MUTED,
    add_legend,
    colours,
    empty_figure,
)
from fedarm.report.looks import sequential_looks
from fedarm.report.verdicts import Decision
from fedarm.report.wording import share
from fedarm.stats.interval import CONFIDENCE, normal_quantile
from fedarm.stats.verdict import percent

_FARTHEST_Z = 6.0
_EDGE = 6.4
_FIXED = (0, (1, 2))
_USED = "Looks on the way were used: an arm's rollouts stop when all its margins are decided."
_NOT_USED = "Looks on the way were not used: the design is fixed, and its one look is at the end."


def draw_looks(results: ExperimentResults, decisions: tuple[Decision, ...]) -> Figure:
    """Draw a row a candidate, a panel a margin: boundaries, and a path, filled where one looked."""
    table = sequential_looks(results, decisions)
    if table.empty:
        return empty_figure("No federated arm beside the reference: nothing is compared.")
    settings = results.settings
    margins = sorted(settings.margins, reverse=True)
    titles = [f"against a margin of {percent(margin)}" for margin in margins]
    figure, panels = candidate_panels(settings, titles, ordinate="z of the margin")
    palette = colours(settings)
    for row, candidate in zip(panels, settings.candidates, strict=True):
        for panel, margin in zip(row, margins, strict=True):
            path = table[(table["candidate"] == candidate) & (table["margin"] == margin)]
            _draw_boundaries(panel, path)
            _draw_path(panel, path, palette[candidate])
    panels[0, 0].set_ylim(-_EDGE, _EDGE)
    for panel in panels[-1]:
        panel.set_xlabel("share of the initial conditions")
    _add_legend(figure, used=settings.looks > 1)
    return figure


def _draw_boundaries(axes: Axes, path: pd.DataFrame) -> None:
    """Draw what decides upward and downward at each look, and what decides where none is taken."""
    at, high = path["fraction"], path["boundary"].clip(upper=_FARTHEST_Z)
    for sign, text in ((1, "non-inferior"), (-1, "inferior")):
        axes.fill_between(at, sign * high, sign * _EDGE, color=FAINT, alpha=0.7, linewidth=0)
        axes.plot(at, sign * high, color=INK, linewidth=1, marker="|", markersize=5)
        fixed = sign * normal_quantile(CONFIDENCE)
        axes.axhline(fixed, color=MUTED, linewidth=0.8, linestyle=_FIXED)
        axes.annotate(
            text,
            (1, sign * _FARTHEST_Z),
            xytext=(-5, 0),
            textcoords="offset points",
            ha="right",
            va="top" if sign > 0 else "bottom",
            color=MUTED,
            fontsize=7.5,
        )
    axes.set_xticks(at.to_list(), [share(each) for each in at])
    axes.set_xlim(0, 1.05)


def _draw_path(axes: Axes, path: pd.DataFrame, colour: str) -> None:
    """Draw a path up to where the rollouts ended, with a filled dot where one looked."""
    seen = path[path["z"].notna()]
    z = seen["z"].clip(-_FARTHEST_Z, _FARTHEST_Z)
    axes.plot(seen["fraction"], z, color=colour, linewidth=1.5)
    axes.scatter(
        seen["fraction"],
        z,
        s=30,
        facecolors=[colour if taken else "white" for taken in seen["taken"]],
        edgecolors=colour,
        linewidths=1.2,
        zorder=3,
    )


def _add_legend(figure: Figure, *, used: bool) -> None:
    dot: Any = {"linestyle": "", "marker": "o", "markersize": 5.5, "markeredgecolor": MUTED}
    handles = [
        Line2D([], [], color=MUTED, label="a look", **dot),
        Line2D([], [], color="white", label="a look not taken", **dot),
        Line2D([], [], color=INK, linewidth=1, marker="|", label="boundary with looks"),
        Line2D([], [], color=MUTED, linewidth=0.8, linestyle=_FIXED, label="without: 1.96"),
    ]
    title = _USED if used else _NOT_USED
    add_legend(figure, handles, title=title, alignment="left")
