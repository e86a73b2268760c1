"""Share of rollouts that have succeeded by a time, arm by arm."""

from __future__ import annotations

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from fedarm.report.experiment import ExperimentResults
from fedarm.report.figures.style import FAINT, add_legend, colours, new_figure, percent_axis
from fedarm.report.motion import success_by_time
from fedarm.report.verdicts import Decision
from fedarm.report.wording import label, metric_tasks


def draw_success_by_time(results: ExperimentResults, decisions: tuple[Decision, ...]) -> Figure:
    """Draw a panel a group of tasks, a rising line a run's name; the decisions play no part."""
    del decisions
    settings = results.settings
    table = success_by_time(results)
    groups = [False, True] if settings.unseen else [False]
    figure = new_figure(3.0)
    panels = figure.subplots(1, len(groups), sharey=True, squeeze=False).ravel()
    palette = colours(settings)
    for panel, unseen in zip(panels, groups, strict=True):
        panel.set_title(metric_tasks("success_unseen" if unseen else "success"))
        for name in settings.names:
            curve = table[(table["name"] == name) & (table["unseen"] == unseen)]
            compared = settings.kind_of(name) in {"central", "federated"}
            panel.step(
                curve["seconds"],
                curve["success"],
                where="post",
                color=palette[name],
                linewidth=1.9 if compared else 0.9,
                alpha=1 if compared else 0.8,
            )
        panel.set_xlim(left=0)
        panel.set_xlabel("seconds from the start")
        panel.grid(axis="y", color=FAINT)
        panel.spines[["top", "right"]].set_visible(False)
    percent_axis(panels[0], "y", label="has succeeded")
    names = {("local" if name.startswith("local_") else name): name for name in settings.names}
    handles = [
        Line2D([], [], color=palette[name], linewidth=1.9, label=label(text))
        for text, name in names.items()
    ]
    add_legend(figure, handles)
    return figure
