"""Smoothness of motion of the filmed rollouts, arm by arm."""

from __future__ import annotations

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from fedarm.report.experiment import ExperimentResults
from fedarm.report.figures.style import (
    FAINT,
    MUTED,
    add_legend,
    colours,
    new_figure,
    write_message,
)
from fedarm.report.motion import smoothness_by_video
from fedarm.report.verdicts import Decision
from fedarm.report.wording import label

_ROW_IN = 0.26


def draw_smoothness(results: ExperimentResults, decisions: tuple[Decision, ...]) -> Figure:
    """Draw a row a run's name, a dot a film, hollow after a failure; the decisions play no part."""
    del decisions
    settings = results.settings
    table = smoothness_by_video(results)
    figure = new_figure(0.9 + _ROW_IN * len(settings.names))
    axes = figure.add_subplot()
    if table.empty:
        write_message(axes, "No film of a final checkpoint has been measured.")
        return figure
    palette = colours(settings)
    for position, name in enumerate(settings.names):
        films = table[table["name"] == name].reset_index(drop=True)
        # Spread in their order, not at random: films that agree stay apart, and the figure the same.
        heights = position + 0.24 * (films.index % 5 - 2) / 2
        done = films["success"].eq(True)
        for some, face in ((done, palette[name]), (~done, "none")):
            axes.scatter(
                films.loc[some, "smoothness_sparc"],
                heights[some],
                s=18,
                facecolors=face,
                edgecolors=palette[name],
                linewidths=0.8,
                alpha=0.85,
            )
        axes.plot(
            [films["smoothness_sparc"].mean()] * 2,
            [position - 0.36, position + 0.36],
            color=palette[name],
            linewidth=1.8,
        )
    axes.set_yticks(range(len(settings.names)), [label(name) for name in settings.names])
    axes.set_ylim(len(settings.names) - 0.4, -0.6)
    axes.set_xlabel("SPARC of the picture's motion: smoother to the right")
    axes.grid(axis="x", color=FAINT)
    axes.set_axisbelow(True)
    axes.spines[["left", "top", "right"]].set_visible(False)
    _add_legend(figure)
    return figure


def _add_legend(figure: Figure) -> None:
    handles = [
        Line2D(
            [],
            [],
            marker="o",
            linestyle="",
            markersize=4.5,
            markeredgecolor=MUTED,
            markerfacecolor=face,
            label=text,
        )
        for face, text in ((MUTED, "success"), ("none", "failure"))
    ]
    add_legend(figure, handles)
