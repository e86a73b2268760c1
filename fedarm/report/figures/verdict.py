"""The forest plot: ratio of success of each candidate to the reference."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fedarm.report.experiment import ExperimentResults
from fedarm.report.figures.style import FAINT, INK, MUTED, colours, new_figure, write_message
from fedarm.report.verdicts import Decision
from fedarm.report.wording import label, metric_tasks, share, share_range
from fedarm.stats.comparison import Comparison
from fedarm.stats.verdict import percent

_ROW_IN = 0.27
_LEAST_RIGHT, _MOST_RIGHT = 1.3, 1.6


@dataclass(frozen=True)
class _Row:
    """A line of the plot; one without a comparison is a heading."""

    text: str
    comparison: Comparison | None = None
    candidate: str = ""
    heavy: bool = False


def draw_verdict(results: ExperimentResults, decisions: tuple[Decision, ...]) -> Figure:
    """Draw an interval for each decision and, lighter, for each of its tasks."""
    rows = _rows(decisions)
    figure = new_figure(0.9 + _ROW_IN * max(len(rows), 3))
    axes = figure.add_subplot()
    if not rows:
        write_message(axes, "No federated arm beside the reference: nothing is compared.")
        return figure
    settings = results.settings
    right = _right_end(rows)
    _draw_margins(axes, settings.margins, right)
    palette = colours(settings)
    for position, row in enumerate(rows):
        if row.comparison is None:
            axes.text(
                -0.01,
                position,
                row.text,
                color=MUTED,
                ha="right",
                va="center",
                style="italic",
                transform=axes.get_yaxis_transform(),
            )
        else:
            _draw_interval(axes, position, row, palette[row.candidate], right)
    axes.set(ylim=(len(rows) - 0.4, -0.6), xlim=(0, right))
    axes.set_yticks(
        [position for position, row in enumerate(rows) if row.comparison],
        [row.text for row in rows if row.comparison],
    )
    for tick, row in zip(axes.get_yticklabels(), (r for r in rows if r.comparison), strict=True):
        tick.set_fontweight("bold" if row.heavy else "normal")
    ticks = [tick / 4 for tick in range(int(right * 4) + 1)]
    axes.set_xticks(ticks, [f"{100 * tick:.0f} %" if tick else "0" for tick in ticks])
    axes.set_xlabel(f"success in percent of {label(settings.reference_name)}'s")
    axes.spines[["left", "top", "right"]].set_visible(False)
    return figure


def _rows(decisions: Sequence[Decision]) -> list[_Row]:
    rows: list[_Row] = []
    for decision in decisions:
        rows.append(_Row(f"{label(decision.candidate)}, {metric_tasks(decision.metric)}"))
        rows.append(_Row("all tasks", decision.comparison, decision.candidate, heavy=True))
        if len(decision.by_task) > 1:
            rows += [
                _Row(label(dataset), comparison, decision.candidate)
                for dataset, comparison in decision.by_task.items()
            ]
    return rows


def _right_end(rows: Sequence[_Row]) -> float:
    highest = max(min(row.comparison.ratio_ci.high, _MOST_RIGHT) for row in rows if row.comparison)
    return max(_LEAST_RIGHT, math.ceil(highest * 10) / 10)


def _draw_margins(axes: Axes, margins: Sequence[float], right: float) -> None:
    """Shade what is worse than each margin, darkest below all, and mark the margins and equality."""
    for margin in margins:
        axes.axvspan(0, 1 - margin, color=FAINT, alpha=0.45, linewidth=0)
        axes.axvline(1 - margin, color=MUTED, linewidth=0.8, linestyle=(0, (4, 3)))
        # The lines are close together: the outer names lean away from the others.
        side = "right" if margin == max(margins) and len(margins) > 1 else "center"
        _write_above(axes, 1 - margin, f"\N{MINUS SIGN}{percent(margin)}", MUTED, side)
    axes.axvline(1, color=INK, linewidth=0.9)
    _write_above(axes, 1, "equal", INK, "left")
    _write_above(axes, right, "   95 % interval", MUTED, "left")


def _write_above(axes: Axes, x: float, text: str, colour: str, side: str) -> None:
    axes.annotate(
        text,
        (x, 1),
        xycoords=("data", "axes fraction"),
        xytext=({"right": 3, "center": 0, "left": -3}[side], 3),
        textcoords="offset points",
        ha=side,
        color=colour,
        fontsize=7.5,
        annotation_clip=False,
    )


def _draw_interval(axes: Axes, position: int, row: _Row, colour: str, right: float) -> None:
    comparison = row.comparison
    assert comparison is not None
    low, high = comparison.ratio_ci.low, comparison.ratio_ci.high
    width, size = (2.6, 6.5) if row.heavy else (1.2, 4)
    axes.plot(
        [min(low, right), min(high, right)],
        [position] * 2,
        color=colour,
        linewidth=width,
        alpha=1 if row.heavy else 0.75,
    )
    if high > right:
        axes.plot(right, position, ">", color=colour, markersize=size, clip_on=False)
    if comparison.ratio <= right:
        axes.plot(
            comparison.ratio,
            position,
            "o",
            color=colour,
            markersize=size,
            markeredgecolor="white",
            markeredgewidth=0.7,
        )
    axes.annotate(
        f"{share(comparison.ratio)}  ({share_range(comparison.ratio_ci)})",
        (right, position),
        xytext=(8, 0),
        textcoords="offset points",
        va="center",
        annotation_clip=False,
        fontsize=7.5,
        fontweight="bold" if row.heavy else "normal",
        color=INK,
    )
