"""`report.html`: the whole comparison as one file that makes no requests."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import jinja2
import pandas as pd
from markupsafe import Markup

from fedarm.report import wording
from fedarm.report.accounts import budgets, client_exclusions, training_seconds, video_accounts
from fedarm.report.experiment import ExperimentResults
from fedarm.report.figures import FIGURES, REPLAY_FIGURES
from fedarm.report.replay import NO_SUCCESSES
from fedarm.report.replay_page import replay_reels, replay_rows
from fedarm.report.results import warnings
from fedarm.report.success import success_by_task, success_pooled
from fedarm.report.verdicts import Decision
from fedarm.report.videos import Clip

_TEMPLATE, _STYLE = "report.html.j2", "report.css"


@dataclass(frozen=True)
class _Reel:
    """Clips of several arms on one initial condition of a task."""

    title: str
    unseen: bool
    clips: tuple[Clip, ...]


def build_page(
    results: ExperimentResults,
    decisions: tuple[Decision, ...],
    figures: Mapping[str, str],
    tables: Mapping[str, pd.DataFrame],
) -> str:
    """Return the report.

    Args:
        results: What all runs have left.
        decisions: Candidates against the reference.
        figures: SVG by name, in the order in which they are shown.
        tables: The tables that are written beside the report, by name.
    """
    page: str = (
        _environment()
        .get_template(_TEMPLATE)
        .render(
            settings=results.settings,
            style=Markup(_packaged(_STYLE)),
            words=wording,
            decisions=decisions,
            figures=[
                (name, {**FIGURES, **REPLAY_FIGURES}[name], svg) for name, svg in figures.items()
            ],
            tables=sorted(tables),
            success=_success_rows(results) if results.settings.judged else [],
            replays=replay_rows(results),
            replay_reels=replay_reels(results),
            no_successes=NO_SUCCESSES,
            budgets=budgets(results),
            client_exclusions=client_exclusions(results),
            seconds=training_seconds(results),
            videos=video_accounts(results),
            data=results.data,
            reels=_reels(results),
            warnings=warnings(results, decisions),
            exclusions=[entry for decision in decisions for entry in decision.exclusions],
        )
    )
    return page


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_packaged),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in ("label", "share", "points", "share_range", "points_range"):
        environment.filters[name] = getattr(wording, name)
    environment.filters["svg_uri"] = _svg_uri
    environment.filters["video_uri"] = _video_uri
    environment.filters["thousands"] = lambda number: f"{number:,}".replace(",", "\N{THIN SPACE}")
    return environment


def _packaged(name: str) -> str:
    return (files("fedarm.report") / name).read_text(encoding="utf-8")


def _svg_uri(svg: str) -> str:
    # An image of its own: ids and styles of several inlined figures would meet.
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()


def _video_uri(file: Path) -> str:
    return "data:video/mp4;base64," + base64.b64encode(file.read_bytes()).decode()


def _success_rows(results: ExperimentResults) -> list[dict[str, object]]:
    """Return a row a run's name: success by dataset, and pooled over clients and unseen sets."""
    by_task, pooled = success_by_task(results), success_pooled(results)
    rows: list[dict[str, object]] = []
    for name in results.settings.names:
        cells = by_task[by_task["name"] == name].set_index("dataset")
        groups = pooled[pooled["name"] == name].set_index("unseen")
        rows.append(
            {
                "name": name,
                "kind": results.settings.kind_of(name),
                "seeds": int(cells["seeds"].max()),
                "tasks": [cells.loc[dataset].to_dict() for dataset in results.settings.datasets],
                "clients": groups.loc[False].to_dict(),
                "unseen": groups.loc[True].to_dict() if True in groups.index else None,
            }
        )
    return rows


def _reels(results: ExperimentResults) -> list[_Reel]:
    """Return, for each task, clips of the compared arms' first seed on the same initial condition."""
    settings = results.settings
    reels: list[_Reel] = []
    for dataset in settings.datasets:
        shown = [name for name in settings.names if _is_shown(results, name, dataset)]
        clips = {
            (clip.name, clip.initial_condition_seed): clip
            for clip in results.clips
            if clip.dataset == dataset and clip.seed == settings.runs_of(clip.name)[0].seed
        }
        # The initial condition that most of the arms have on film; the first of equals.
        counts: dict[int, int] = {}
        for name, condition in clips:
            counts[condition] = counts.get(condition, 0) + (name in shown)
        if counts and max(counts.values()) > 0:
            best = max(counts, key=lambda condition: counts[condition])
            found = tuple(clips[name, best] for name in shown if (name, best) in clips)
            reels.append(_Reel(wording.label(dataset), dataset in settings.unseen, found))
    return reels


def _is_shown(results: ExperimentResults, name: str, dataset: str) -> bool:
    """Show the base, the compared arms, and the local arm of the task's own client."""
    return results.settings.kind_of(name) != "local" or name == f"local_{dataset}"
