"""Reports on a terminal: what was found in datasets and videos, where, a remedy; plans of studies."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

Report = Mapping[str, Any]

_MARKS = {"error": ("✗", "bold red"), "warning": ("!", "bold yellow")}
_PIPE_WIDTH = 160
# Headings and measures of the table of videos.
_VIDEO_COLUMNS = {
    "frames": "frames",
    "seconds": "duration_s",
    "done (s)": "completion_time_s",
    "SPARC": "smoothness_sparc",
    "LDLJ": "ldlj_actions",
    "path (px)": "path_length_px",
    "idle": "idle_share",
    "success": "success_env",
    "seen": "success_video",
}
_PLACE_KEYS = ("episode", "frame", "column")


def show_checks(report: Report) -> None:
    """Print what the checks of one dataset have found."""
    console = _console()
    _print_checks(console, report)
    if report["skipped"]:
        console.print()
        console.print(
            Text(f"skipped, for what cannot be read: {', '.join(report['skipped'])}", "dim")
        )
    _print_total(console, report, len(report["checks"]), "check")


def show_fix(outcome: Report) -> None:
    """Print what was repaired, and what is left."""
    console = _console()
    if outcome["out"] is None:
        show_checks(outcome["before"])
        console.print(
            "nothing was written: "
            + (
                "no hotfix can be chosen without your answer; list some with --with FILE"
                if outcome["before"]["findings"]
                else "there is nothing to repair"
            )
        )
        return
    before = outcome["before"]["counts"]
    console.print(
        f"before: {_count(before['error'], 'error')}, {_count(before['warning'], 'warning')}"
    )
    for applied in outcome["hotfixes"]:
        console.print(
            Text.assemble(
                ("→ ", "bold green"),
                (applied["hotfix"], "bold"),
                f": {applied['why']} ({applied['rows']} rows, {applied['frames']} frames)",
            )
        )
    console.print(Text(f"written: {outcome['out']}"))
    show_checks(outcome["after"])


def show_summary(summary: Report, out: Path) -> None:
    """Print what a summary tells."""
    calibration = summary["calibration"]
    rows = (
        ("robot", summary["robot_type"]),
        ("frames a second", f"{summary['fps']:g}"),
        ("joints", ", ".join(summary["joints"]["action"])),
        ("era", f"{calibration['era'] or 'unknown'} ({calibration['reason']})"),
        ("cameras", ", ".join(summary["cameras"]) or "none"),
        ("tasks", "; ".join(summary["tasks"])),
        ("episodes", f"{len(summary['episodes'])}, {summary['frames']} frames"),
    )
    table = Table.grid(padding=(0, 2))
    for key, value in rows:
        table.add_row(Text(key, "dim"), Text(value))
    console = _console()
    console.print(Text(summary["name"], "bold"))
    console.print(Padding(table, (0, 2)))
    console.print(Text(f"written: {out}; besides this it holds ranges and salted sketches, no row"))


def show_gate(report: Report) -> None:
    """Print which datasets do not fit together, and the hotfixes that would reconcile them."""
    console = _console()
    for dataset in report["datasets"]:
        console.print(
            Text.assemble(
                (dataset["dataset"], "bold"),
                f" ({dataset['role']}): {_count(dataset['episodes'], 'episode')},"
                f" {dataset['fps']:g} fps, cameras {', '.join(dataset['cameras']) or 'none'},"
                f" era {dataset['era'] or 'unknown'}",
            )
        )
    for rule, findings in groupby(report["findings"], key=lambda finding: finding["rule"]):
        console.print()
        for number, finding in enumerate(findings):
            if not number:
                console.print(_heading(finding["severity"], rule, _measures(report["rules"], rule)))
            first, second = finding["pair"]
            table = Table.grid(padding=(0, 2))
            for name, value in zip((first, second), finding["values"], strict=True):
                table.add_row(Text(name, "bold"), Text(_plain(value)))
            console.print(Padding(Text(f"{finding['key']}: {finding['message']}"), (0, 2)))
            console.print(Padding(table, (0, 4)))
            console.print(Padding(Text(f"remedy: {finding['remedy']}", "green"), (0, 2)))
            if finding["hotfix"]:
                console.print(Padding(Text(_section(finding["hotfix"])), (0, 4)))
    _print_total(console, report, len(report["rules"]), "rule")


def show_videos(analysis: Report) -> None:
    """Print what was measured in videos, what is wrong with them, and what cannot be known."""
    console = _console()
    videos = analysis["videos"]
    names = ("video", *_VIDEO_COLUMNS, "findings")
    table = Table(*names, box=None, pad_edge=False, header_style="dim")
    for video in videos:
        kinds = dict.fromkeys(finding["kind"] for finding in video["findings"])
        measures = [_measure(video[name]) for name in _VIDEO_COLUMNS.values()]
        table.add_row(Text(video["file"], "cyan"), *measures, Text(", ".join(kinds), "bold red"))
    console.print(table)
    for video in videos:
        if video["findings"]:
            console.print()
            console.print(Text(video["file"], "cyan"))
        for finding in video["findings"]:
            frame = finding["first_frame"]
            place = "" if frame is None else f"frame {frame}: "
            line = Text.assemble(
                (f"✗ {finding['kind']} ", "bold red"), f"{place}{finding['message']}"
            )
            console.print(Padding(line, (0, 2)))
    _print_judgements(console, analysis)
    _print_unknown(console, videos)
    console.print()
    counts = analysis["counts"]
    wrong = (
        f"something wrong with {counts['with_findings']}" if counts["findings"] else "nothing found"
    )
    console.print(f"{_count(counts['videos'], 'video')}: {wrong}")


def show_plan(plan: Report) -> None:
    """Print what a plan rests on, and the designs that show what is to be shown."""
    console = _console()
    pilot, sd = plan["pilot"], plan["seed_sd"]
    if pilot is not None:
        console.print(
            Text.assemble(
                ("pilot: ", "dim"),
                f"{pilot['candidate']} against {pilot['reference']}, "
                f"{_count(pilot['seeds'], 'seed')} × {_count(pilot['episodes'], 'episode')} a task,"
                f" shows {_shown(pilot)}",
            )
        )
        for left in pilot["exclusions"]:
            text = f"  left out: {_count(left['episodes'], 'rollout')} of {left['dataset']}: "
            console.print(Text(text + left["reason"], "yellow"))
    console.print(
        f"success {plan['success']:.2f}, between seeds ± {_points(sd['candidate'])} (candidate) and"
        f" ± {_points(sd['reference'])} (reference), pair correlation {plan['pair_correlation']:.2f},"
        f" {_count(plan['tasks'], 'task')}; true ratio {plan['true_ratio']:g},"
        f" power {plan['power']:g}"
    )
    for margin in plan["margins"]:
        console.print()
        console.print(Text(f"non-inferior within {100 * margin['margin']:.6g} %", "bold"))
        _print_designs(console, margin)
        console.print(
            Padding(
                f"for one checkpoint of each arm only:"
                f" {margin['pairs_of_one_checkpoint_each']} pairs of episodes over all tasks",
                (0, 2),
            )
        )
    if plan["run_hours"] is None or plan["episode_seconds"] is None:
        console.print()
        console.print(
            Text("hours not known: give --run-hours (or a pilot) and --episode-seconds", "dim")
        )


def _print_designs(console: Console, margin: Report) -> None:
    names = ("seeds", "episodes", "power", "difference (points)", "ratio", "training (h)")
    table = Table(*names, "rollouts (h)", box=None, pad_edge=False, header_style="dim")
    for design in margin["designs"]:
        ratio, training, rollouts = (
            design[key] for key in ("detectable_ratio", "training_hours", "rollout_hours")
        )
        table.add_row(
            *(str(design[key]) for key in ("seeds", "episodes")),
            f"{design['power']:.2f}",
            f"{100 * design['detectable_difference']:.1f}",
            *(_measure(value) for value in (ratio, training, rollouts)),
        )
    console.print(Padding(table, (0, 2)))
    if margin["out_of_reach"]:
        few = ", ".join(str(number) for number in margin["out_of_reach"])
        console.print(Padding(f"more than 64 seeds with {few} episodes a task", (0, 2)))


def _shown(pilot: Report) -> str:
    ratio = pilot["detectable_ratio"]
    shown = f"a difference of {_points(pilot['detectable_difference'])}"
    return shown if ratio is None else f"{shown}, a ratio above {ratio:.2f}"


def _points(share: float) -> str:
    return f"{100 * share:.1f} points"


def _print_judgements(console: Console, analysis: Report) -> None:
    for task in analysis["fitted_success"]:
        console.print()
        console.print(
            f"success of {task['task']} from the last frame, {_count(task['videos'], 'video')}"
        )
        for name, counts in (
            ("fitted, on other initial conditions", task["confusion"]),
            ("by rule", task["final_frame_check"]),
        ):
            shown = task["reason"] if counts is None else _cells(counts)
            console.print(Padding(f"{name}: {shown}", (0, 2)))


def _cells(counts: Report) -> str:
    return ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in counts.items())


def _print_unknown(console: Console, videos: Iterable[Report]) -> None:
    """Say which measures lack what, once for all videos alike."""
    missing = Counter(
        (needed, name) for video in videos for name, needed in video["unknown"].items()
    )
    if missing:
        console.print()
        console.print(Text("cannot be known without a JSON beside the video that says so:", "dim"))
    for (needed, name), number in sorted(missing.items()):
        console.print(Text(f"  {name}: {needed} ({_count(number, 'video')})", "dim"))


def _measure(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def _print_checks(console: Console, report: Report) -> None:
    console.print(Text(report["dataset"], "bold"))
    totals = {entry["check"]: entry["total"] for entry in report["checks"]}
    for check, group in groupby(report["findings"], key=lambda finding: finding["check"]):
        findings = list(group)
        severity, remedy = findings[0]["severity"], findings[0]["remedy"]
        console.print()
        console.print(_heading(severity, check, _measures(report["checks"], check)))
        table = Table.grid(padding=(0, 2))
        for finding in findings:
            table.add_row(Text(_place(finding), "cyan"), Text(_found(finding)))
        console.print(Padding(table, (0, 2)))
        if totals.get(check, 0) > len(findings):
            console.print(Padding(Text(f"… {totals[check] - len(findings)} more", "dim"), (0, 2)))
        console.print(Padding(Text(f"remedy: {remedy}", "green"), (0, 2)))


def _heading(severity: str, name: str, measures: str) -> Text:
    mark, style = _MARKS[severity]
    return Text.assemble((f"{mark} {severity} ", style), (name, "bold"), (f"  {measures}", "dim"))


def _print_total(console: Console, report: Report, number: int, kind: str) -> None:
    errors, warnings = report["counts"]["error"], report["counts"]["warning"]
    if not errors and not warnings:
        console.print(Text.assemble(("✓ ", "bold green"), f"{_count(number, kind)}, nothing found"))
        return
    console.print()
    console.print(
        f"{_count(number, kind)}: {_count(errors, 'error')}, {_count(warnings, 'warning')}"
    )


def _measures(entries: Iterable[Report], name: str) -> str:
    return next(
        (str(e["measures"]) for e in entries if name in (e.get("check"), e.get("rule"))), ""
    )


def _place(finding: Report) -> str:
    places = [f"{key} {finding[key]}" for key in _PLACE_KEYS if finding.get(key) is not None]
    return ", ".join(places) or "dataset"


def _found(finding: Report) -> str:
    value = finding.get("value")
    shown = (
        "" if value is None else f" [{value:.6g}]" if isinstance(value, float) else f" [{value}]"
    )
    return f"{finding['message']}{shown}"


def _section(hotfix: Report) -> str:
    """Return a proposal as it stands in a configuration."""
    section = {"datasets": {hotfix["dataset"]: {"hotfixes": hotfix["hotfixes"]}}}
    return yaml.safe_dump(section, sort_keys=False, default_flow_style=None, width=200).rstrip()


def _plain(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _console() -> Console:
    # A pipe has no width, and rich would take it for a narrow terminal.
    width = None if sys.stdout.isatty() else _PIPE_WIDTH
    return Console(highlight=False, width=width)
