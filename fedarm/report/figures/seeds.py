"""Success of each training seed, averaged over tasks."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fedarm.report.experiment import ExperimentResults
from fedarm.report.figures.style import FAINT, colours, new_figure, percent_axis
from fedarm.report.success import success_by_seed
from fedarm.report.verdicts import Decision
from fedarm.report.wording import label, metric_tasks

_ROW_IN = 0.26
_SPREAD = 0.22


def draw_seeds(results: ExperimentResults, decisions: tuple[Decision, ...]) -> Figure:
    """Draw a panel a group of tasks, a row a run's name, a dot a seed; the decisions play no part."""
    del decisions
    settings = results.settings
    table = success_by_seed(results)
    means = table.groupby(["name", "unseen", "seed"], sort=False, as_index=False)["success"].mean()
    groups = [False, True] if settings.unseen else [False]
    figure = new_figure(0.75 + _ROW_IN * len(settings.names))
    panels = figure.subplots(1, len(groups), sharey=True, squeeze=False).ravel()
    palette = colours(settings)
    for panel, unseen in zip(panels, groups, strict=True):
        panel.set_title(metric_tasks("success_unseen" if unseen else "success"))
        _draw_panel(panel, means[means["unseen"] == unseen], settings.names, palette)
    return figure


def _draw_panel(
    axes: Axes, means: pd.DataFrame, names: tuple[str, ...], palette: dict[str, str]
) -> None:
    for position, name in enumerate(names):
        seeds = means.loc[means["name"] == name, "success"].to_numpy()
        count = len(seeds)
        # Spread by seed, not at random: seeds that agree stay apart, and the figure stays the same.
        offsets = [_SPREAD * (2 * k / (count - 1) - 1) if count > 1 else 0 for k in range(count)]
        axes.plot(
            [seeds.mean()] * 2, [position - 0.36, position + 0.36], color=palette[name], lw=1.6
        )
        axes.plot(
            seeds,
            [position + offset for offset in offsets],
            "o",
            color=palette[name],
            markersize=5,
            markeredgecolor="white",
            markeredgewidth=0.7,
            alpha=0.85,
        )
    axes.set_yticks(range(len(names)), [label(name) for name in names])
    axes.set_ylim(len(names) - 0.4, -0.6)
    percent_axis(axes, "x", label="success")
    axes.grid(axis="x", color=FAINT)
    axes.set_axisbelow(True)
    axes.spines[["left", "top", "right"]].set_visible(False)
