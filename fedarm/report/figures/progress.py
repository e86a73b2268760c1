"""Success and held-out loss by round, central beside federated."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, StrMethodFormatter

from fedarm.report.experiment import ExperimentResults
from fedarm.report.figures.style import (
    FAINT,
    add_legend,
    colours,
    new_figure,
    percent_axis,
    write_message,
)
from fedarm.report.losses import loss_by_round
from fedarm.report.success import success_by_round
from fedarm.report.verdicts import Decision
from fedarm.report.wording import label, metric_tasks

_WATCHED = ("central", "federated")


def draw_progress(results: ExperimentResults, decisions: tuple[Decision, ...]) -> Figure:
    """Draw success above loss, a column a group of tasks; the decisions play no part."""
    del decisions
    settings = results.settings
    groups = [False, True] if settings.unseen else [False]
    figure = new_figure(4.6)
    panels = figure.subplots(2, len(groups), sharex=True, sharey="row", squeeze=False)
    palette = colours(settings)
    success, loss = success_by_round(results), loss_by_round(results)
    for column, unseen in enumerate(groups):
        above, below = panels[:, column]
        above.set_title(metric_tasks("success_unseen" if unseen else "success"))
        _draw_curves(above, _mean(success, "success", unseen), palette)
        _draw_curves(below, _mean(loss, "loss", unseen), palette)
        below.set_xlabel("round")
        for panel in (above, below):
            panel.grid(axis="y", color=FAINT)
            panel.spines[["top", "right"]].set_visible(False)
            panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    percent_axis(panels[0, 0], "y", label="success")
    panels[1, 0].set_ylabel("held-out loss")
    if not loss.empty:
        panels[1, 0].set_yscale("log")
        panels[1, 0].yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        panels[1, 0].yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        panels[1, 0].yaxis.set_minor_formatter(NullFormatter())
    # Where no success was watched, the losses below name the arms.
    handles = panels[0, 0].get_legend_handles_labels()[0]
    add_legend(figure, handles or panels[1, 0].get_legend_handles_labels()[0])
    return figure


def _mean(table: pd.DataFrame, value: str, unseen: bool) -> pd.DataFrame:
    """Return the mean over tasks, by run, seed and round.

    Curves of success begin where the base stands; those of loss have a round 0 of their own.
    """
    rows = table[table["unseen"] == unseen]
    keys = ["name", "kind", "seed", "round"]
    means = rows.groupby(keys, sort=False, as_index=False)[value].mean()
    watched = means[means["kind"].isin(_WATCHED)]
    base = means.loc[means["kind"] == "base", value]
    if not base.empty and not watched.empty:
        runs = watched.drop_duplicates(["name", "kind", "seed"])
        start = runs.assign(round=0, **{value: float(base.iloc[0])})
        watched = pd.concat([start, watched], ignore_index=True)
    curves: pd.DataFrame = watched.rename(columns={value: "value"})
    return curves


def _draw_curves(axes: Axes, means: pd.DataFrame, palette: dict[str, str]) -> None:
    if means.empty:
        write_message(axes, "no rounds before the last were watched")
        return
    for name in dict.fromkeys(means["name"]):
        runs = means[means["name"] == name]
        for _, run in runs.groupby("seed", sort=False):
            ordered = run.sort_values("round")
            axes.plot(ordered["round"], ordered["value"], color=palette[name], lw=0.7, alpha=0.45)
        mean = runs.groupby("round")["value"].mean()
        axes.plot(mean.index, mean, color=palette[name], lw=2, label=label(name))
        if len(mean) <= 6:
            axes.plot(
                mean.index,
                mean,
                "o",
                color=palette[name],
                markersize=5,
                markeredgecolor="white",
                markeredgewidth=0.7,
            )
