"""`report.html`: the whole comparison as one file that makes no requests."""

from __future__ import annotations

import base64
from collections.abc import Hashable, Mapping
from importlib.resources import files
from typing import Any

import jinja2
import pandas as pd
from markupsafe import Markup

from fedarm.report import wording
from fedarm.report.accounts import budgets, client_exclusions, training_seconds, video_accounts
from fedarm.report.arm_pairs import ArmPairs
from fedarm.report.experiment import ExperimentResults
from fedarm.report.figures import FIGURES, REPLAY_FIGURES, SECTIONS, FigureText
from fedarm.report.filmstrips import failure_filmstrips
from fedarm.report.paired_counts import paired_counts
from fedarm.report.player import rollout_player
from fedarm.report.replay import NO_SUCCESSES
from fedarm.report.replay_page import replay_player, replay_rows
from fedarm.report.results import left_out, warnings
from fedarm.report.success import success_by_task, success_pooled
from fedarm.report.tables import to_csv
from fedarm.report.verdicts import Decision
from fedarm.stats.verdict import percent

_TEMPLATE, _STYLE, _SCRIPT = "report.html.j2", "report.css", "player.js"


def build_page(
    results: ExperimentResults,
    decisions: tuple[Decision, ...],
    pairs: ArmPairs | None,
    figures: Mapping[str, str],
    tables: Mapping[str, pd.DataFrame],
) -> str:
    """Return the report.

    Args:
        results: What all runs have left.
        decisions: Candidates against the reference.
        pairs: All arms in pairs.
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
            script=Markup(_packaged(_SCRIPT)),
            section_titles=SECTIONS,
            sections=_sections(figures),
            tables=dict(sorted(tables.items())),
            paired_counts=_paired_tables(results) if results.settings.judged else [],
            player=rollout_player(results),
            filmstrips=failure_filmstrips(results),
            success=_success_rows(results) if results.settings.judged else [],
            letters=pairs.compared.letters() if pairs else {},
            declared=results.declared,
            replays=replay_rows(results),
            replay_player=replay_player(results),
            no_successes=NO_SUCCESSES,
            budgets=budgets(results),
            client_exclusions=client_exclusions(results),
            seconds=training_seconds(results),
            videos=video_accounts(results),
            data=results.data,
            warnings=warnings(results, decisions),
            exclusions=left_out(decisions, pairs),
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
    environment.filters["percent"] = percent
    environment.filters["svg_uri"] = _svg_uri
    environment.filters["csv_uri"] = _csv_uri
    environment.filters["thousands"] = lambda number: f"{number:,}".replace(",", "\N{THIN SPACE}")
    return environment


def _packaged(name: str) -> str:
    return (files("fedarm.report") / name).read_text(encoding="utf-8")


def _svg_uri(svg: str) -> str:
    # An image of its own: ids and styles of several inlined figures would meet.
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()


def _csv_uri(table: pd.DataFrame) -> str:
    return "data:text/csv;base64," + base64.b64encode(to_csv(table).encode()).decode()


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


def _paired_tables(
    results: ExperimentResults,
) -> list[tuple[dict[str, Any], list[dict[Hashable, Any]]]]:
    """Return the counts of pairs by candidate and metric, over all tasks first."""
    counts = paired_counts(results)
    return [
        ({"candidate": candidate, "metric": metric}, rows.to_dict("records"))
        for (candidate, metric), rows in counts.groupby(["candidate", "metric"], sort=False)
    ]


def _sections(figures: Mapping[str, str]) -> dict[str, list[tuple[str, FigureText, str]]]:
    """Return name, text and SVG of the figures by section, sections in the report's order."""
    texts = {**FIGURES, **REPLAY_FIGURES}
    return {
        section: [
            (name, texts[name], svg)
            for name, svg in figures.items()
            if texts[name].section == section
        ]
        for section in SECTIONS
    }
