"""Errors of predicted against recorded actions: by joint, and along the horizon."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from fedarm.report.experiment import ExperimentResults
from fedarm.report.figures.style import FAINT, INK, MUTED, add_legend, colours, new_figure
from fedarm.report.replay import Replay, replay_by_step, replay_error
from fedarm.report.verdicts import Decision
from fedarm.report.wording import label

_COLUMNS = 3
_ROW_IN = 0.3
_LINE_IN = 1.9


def draw_replay_error(results: ExperimentResults, decisions: tuple[Decision, ...]) -> Figure:
    """Draw a panel a dataset, a row a joint, a dot a run; the decisions play no part."""
    del decisions
    shown = _shown(results)
    table = replay_error([replay for replay, _ in shown]).assign(
        curve=[curve for replay, curve in shown for _ in replay.summary.joints]
    )
    datasets = list(dict.fromkeys(table["dataset"]))
    joints = list(dict.fromkeys(table["joint"]))
    columns = min(_COLUMNS, len(datasets))
    lines = math.ceil(len(datasets) / columns)
    figure = new_figure(0.5 + lines * (0.6 + _ROW_IN * len(joints)))
    panels = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False).ravel()
    palette = _palette(results)
    for panel, dataset in zip(panels, datasets, strict=False):
        panel.set_title(label(dataset))
        _draw_joints(panel, table[table["dataset"] == dataset], joints, palette)
    for panel in panels[len(datasets) :]:
        panel.set_visible(False)
    _add_legend(figure, list(dict.fromkeys(table["curve"])), palette)
    return figure


def draw_replay_horizon(results: ExperimentResults, decisions: tuple[Decision, ...]) -> Figure:
    """Draw a panel a joint, a line an arm over the steps; the decisions play no part."""
    del decisions
    shown = _shown(results)
    steps = [len(replay.summary.error_by_step.actions) for replay, _ in shown]
    joints = shown[0][0].summary.joints
    table = replay_by_step([replay for replay, _ in shown]).assign(
        curve=[
            curve
            for (_, curve), count in zip(shown, steps, strict=True)
            for _ in range(count * len(joints))
        ]
    )
    lines = math.ceil(len(joints) / _COLUMNS)
    figure = new_figure(0.5 + _LINE_IN * lines)
    panels = figure.subplots(lines, _COLUMNS, sharex=True, squeeze=False).ravel()
    palette = _palette(results)
    for panel, joint in zip(panels, joints, strict=False):
        rows = table[table["joint"] == joint]
        panel.set_title(f"{label(joint)}, {rows['unit'].iloc[0]}")
        for curve, points in rows.groupby("curve", sort=False):
            means = points.groupby("step")["mean"].mean()
            panel.plot(means.index, means, color=palette[str(curve)], linewidth=1.4)
        panel.set_ylim(bottom=0)
        panel.grid(axis="y", color=FAINT)
        panel.spines[["top", "right"]].set_visible(False)
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    for panel in panels[len(joints) :]:
        panel.set_visible(False)
    for panel in panels[max(len(joints) - _COLUMNS, 0) : len(joints)]:
        panel.set_xlabel("step of the predicted chunk")
    _add_legend(figure, list(dict.fromkeys(table["curve"])), palette)
    return figure


def _shown(results: ExperimentResults) -> list[tuple[Replay, str]]:
    """Return the replays that are drawn, each with its curve's name."""
    named = [(replay, replay.shown_as) for replay in results.replays]
    return [(replay, curve) for replay, curve in named if curve is not None]


def _palette(results: ExperimentResults) -> dict[str, str]:
    palette = colours(results.settings)
    local = next((name for name in palette if name.startswith("local_")), None)
    return palette if local is None else {**palette, "local": palette[local]}


def _draw_joints(
    axes: Axes, rows: pd.DataFrame, joints: Sequence[str], palette: dict[str, str]
) -> None:
    curves = list(dict.fromkeys(rows["curve"]))
    offsets = np.linspace(-0.28, 0.28, len(curves)) if len(curves) > 1 else np.zeros(1)
    for curve, offset in zip(curves, offsets, strict=True):
        of_curve = rows[rows["curve"] == curve].set_index("joint")
        for position, joint in enumerate(joints):
            seeds = of_curve.loc[[joint], "mean"]
            place = [position + offset] * len(seeds)
            axes.plot(seeds, place, "o", color=palette[curve], markersize=2.5, alpha=0.6)
            axes.plot(seeds.mean(), place[0], "o", color=palette[curve], markersize=5)
    for position, joint in enumerate(joints):
        still = rows.loc[rows["joint"] == joint, "hold_still"].iloc[0]
        if pd.notna(still):
            axes.plot([still] * 2, [position - 0.4, position + 0.4], color=MUTED, linewidth=1)
    axes.set_yticks(range(len(joints)), [label(joint) for joint in joints])
    axes.set_ylim(len(joints) - 0.4, -0.6)
    axes.set_xlim(left=0)
    axes.set_xlabel("mean absolute error", color=INK)
    axes.tick_params(labelbottom=True)
    axes.grid(axis="x", color=FAINT)
    axes.set_axisbelow(True)
    axes.spines[["left", "top", "right"]].set_visible(False)


def _add_legend(figure: Figure, curves: Sequence[str], palette: dict[str, str]) -> None:
    handles = [
        Line2D(
            [], [], marker="o", linestyle="", color=palette[curve], markersize=5, label=label(curve)
        )
        for curve in curves
    ]
    add_legend(figure, handles)
