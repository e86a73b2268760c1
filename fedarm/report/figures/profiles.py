"""Performance profiles of each candidate beside the reference's."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from fedarm.report.experiment import ExperimentResults
from fedarm.report.figures.candidates import candidate_panels
from fedarm.report.figures.style import (
    MUTED,
    add_legend,
    colours,
    empty_figure,
    percent_axis,
)
from fedarm.report.profiles import performance_profiles
from fedarm.report.verdicts import Decision
from fedarm.report.wording import label, metric_tasks


def draw_profiles(results: ExperimentResults, decisions: tuple[Decision, ...]) -> Figure:
    """Draw a row a candidate, a panel a group of tasks; the decisions play no part."""
    del decisions
    settings = results.settings
    if not settings.candidates:
        return empty_figure("No federated arm beside the reference: nothing is compared.")
    table = performance_profiles(results)
    groups = [False, True] if settings.unseen else [False]
    titles = [metric_tasks("success_unseen" if unseen else "success") for unseen in groups]
    figure, panels = candidate_panels(settings, titles, ordinate="share of runs that do better")
    palette = colours(settings)
    beside = [name for name in settings.names if settings.kind_of(name) == "base"]
    beside.append(settings.reference_name)
    for row, candidate in zip(panels, settings.candidates, strict=True):
        for panel, unseen in zip(row, groups, strict=True):
            for name in (*beside, candidate):
                profile = table[(table["name"] == name) & (table["unseen"] == unseen)]
                _draw_profile(panel, profile, palette[name])
    for panel in panels[:, 0]:
        percent_axis(panel, "y", label=panel.get_ylabel())
    for panel in panels[-1]:
        percent_axis(panel, "x", label="success on a task")
    shown = {label(name): palette[name] for name in beside}
    alone = len(settings.candidates) == 1
    candidates = label(settings.candidates[0]) if alone else "the candidate, in its own colour"
    shown[candidates] = palette[settings.candidates[0]] if alone else MUTED
    handles = [Line2D([], [], color=shown[text], linewidth=1.9, label=text) for text in shown]
    add_legend(figure, handles)
    return figure


def _draw_profile(axes: Axes, profile: pd.DataFrame, colour: str) -> None:
    """Draw a profile; the base has one seed, and so no band."""
    compared = profile["kind"].iloc[0] != "base"
    axes.step(
        profile["threshold"],
        profile["share"],
        where="post",
        color=colour,
        linewidth=1.9 if compared else 1.1,
    )
    if compared:
        axes.fill_between(
            profile["threshold"],
            profile["low"],
            profile["high"],
            step="post",
            color=colour,
            alpha=0.18,
            linewidth=0,
        )
