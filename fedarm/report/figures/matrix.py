"""Success of every arm on every task, as a table of colours."""

from __future__ import annotations

import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from fedarm.report.experiment import ExperimentResults
from fedarm.report.figures.style import INK, new_figure
from fedarm.report.success import success_by_task
from fedarm.report.verdicts import Decision
from fedarm.report.wording import label

_ROW_IN = 0.34


def draw_task_matrix(results: ExperimentResults, decisions: tuple[Decision, ...]) -> Figure:
    """Draw success in percent, rows arms, columns tasks; the decisions play no part."""
    del decisions
    settings = results.settings
    names, datasets = list(settings.names), list(settings.datasets)
    table = success_by_task(results).pivot_table(index="name", columns="dataset", values="success")
    table = 100 * table.loc[names, datasets]
    figure = new_figure(0.9 + _ROW_IN * len(names))
    axes = figure.add_subplot()
    sns.heatmap(
        table,
        ax=axes,
        vmin=0,
        vmax=100,
        cmap=sns.light_palette("#0f6f78", as_cmap=True),
        annot=True,
        fmt=".0f",
        annot_kws={"size": 8.5},
        linewidths=1.5,
        linecolor="white",
        cbar=False,
    )
    axes.set(xlabel="", ylabel="")
    axes.set_yticklabels([label(name) for name in names], rotation=0)
    axes.set_xticklabels([_two_lines(label(dataset)) for dataset in datasets], rotation=0)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    for row, name in enumerate(names):
        client = name.removeprefix("local_")
        if settings.kind_of(name) == "local" and client in datasets:
            corner = (datasets.index(client) + 0.03, row + 0.05)
            axes.add_patch(Rectangle(corner, 0.94, 0.9, fill=False, edgecolor=INK, linewidth=1.2))
    if settings.unseen:
        axes.axvline(len(settings.clients), color=INK, linewidth=0.8)
        axes.set_xlabel("clients' tasks, then unseen sets right of the line", loc="left")
    return figure


def _two_lines(text: str) -> str:
    return text.replace(" ", "\n", 1)
