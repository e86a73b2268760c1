"""Success of each federated strategy against central training, at equal budgets: table and figure.

Runs the experiment of `configs/strategies.yaml` through Snakemake (hours; what is done is not done
again) and writes `docs/strategies.md` and `docs/images/strategies.svg` from its comparison. The figure
`best_ratio` is the success of the best strategy over that of central training, on the clients' tasks.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt

from fedarm.experiment import load_experiment
from fedarm.paths import read_json, write_atomic

# Where the figure ends at the latest.
_WIDEST = 2.0
_NOTE = """\
Success on the clients' tasks; the ratio to the reference with its two-sided 95 % interval over training
seeds. Every arm has seen the same number of samples. Made by `make bench NAME=strategies` from
`{config}`: {seeds} seeds, {rounds} rounds, {episodes} initial conditions a task.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, default=Path("configs/strategies.yaml"))
    parser.add_argument("--docs", type=Path, default=Path("docs"))
    parser.add_argument("--cores", default="all")
    parser.add_argument("--no-run", action="store_true", help="only read what is there")
    args = parser.parse_args()
    if not args.no_run:
        snakemake = str(Path(sys.executable).parent / "snakemake")
        command = [snakemake, "--cores", args.cores, "--configfile", str(args.config)]
        subprocess.run(command, check=True)
    experiment = load_experiment(args.config)
    results = read_json(experiment.comparison / "results.json")
    rows = strategy_rows(results)
    note = _NOTE.format(
        config=args.config,
        seeds=len(experiment.config.seeds),
        rounds=experiment.config.federation.rounds,
        episodes=experiment.config.rollout.episodes,
    )
    write_atomic(args.docs / "strategies.md", page(rows, results, note))
    draw(rows, results["reference"], args.docs / "images" / "strategies.svg")
    for row in rows:
        print(f"{row['name']}_success: {row['success']:.3f}")
    print(f"best_ratio: {max(row['ratio'] or 0.0 for row in rows):.3f}")


def strategy_rows(results: dict[str, Any]) -> list[dict[str, Any]]:
    """Return one row a federated arm, the most successful first."""
    decisions = {
        verdict["candidate"]: verdict
        for verdict in results["verdicts"]
        if verdict["metric"] == "success"
    }
    rows = [
        {
            "name": name,
            "success": arm["clients"]["success"],
            "unseen": arm["unseen"]["success"] if arm.get("unseen") else None,
            "ratio": decisions[name]["ratio"],
            "ratio_ci": decisions[name]["ratio_ci"],
        }
        for name, arm in results["arms"].items()
        if arm["kind"] == "federated"
    ]
    return sorted(rows, key=lambda row: -row["success"])


def page(rows: list[dict[str, Any]], results: dict[str, Any], note: str) -> str:
    """Return the documentation's page."""
    lines = [
        "# Strategies side by side",
        "",
        note,
        "![Success of each strategy over that of central training](images/strategies.svg)",
        "",
        "| arm | success | unseen | ratio | 95 % interval |",
        "|---|---|---|---|---|",
        f"| {results['reference']} | {_successes(results['arms'][results['reference']])} | 1 | – |",
    ]
    lines += [
        f"| {row['name']} | {_share(row['success'])} | {_share(row['unseen'])} "
        f"| {_number(row['ratio'])} | {' to '.join(map(_number, row['ratio_ci']))} |"
        for row in rows
    ]
    lines += [
        f"| {name}, from which all start | {_successes(arm)} | | |"
        for name, arm in results["arms"].items()
        if arm["kind"] == "base"
    ]
    return "\n".join(lines) + "\n"


def draw(rows: list[dict[str, Any]], reference: str, file: Path) -> None:
    """Draw the ratios with their intervals; an end without a bound runs to the edge."""
    figure, axes = plt.subplots(figsize=(7, 0.4 * len(rows) + 1.2), layout="constrained")
    for place, row in enumerate(reversed(rows)):
        low, high = row["ratio_ci"]
        axes.plot(
            [low or 0, _WIDEST if high is None else high],
            [place, place],
            color="#6b7480",
            linewidth=1.5,
        )
        if row["ratio"] is not None:
            axes.plot(row["ratio"], place, "o", color="#0f8b8d")
    axes.axvline(1, color="#2b3a55", linewidth=0.8)
    axes.set_yticks(range(len(rows)), [row["name"] for row in reversed(rows)])
    highest = max(row["ratio_ci"][1] or _WIDEST for row in rows)
    axes.set_xlim(0, min(max(highest, 1) + 0.1, _WIDEST))
    axes.set_xlabel(f"success over that of {reference}")
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, metadata={"Date": None})


def _successes(arm: dict[str, Any]) -> str:
    """Return an arm's success on the clients' tasks and on unseen ones, as two cells."""
    unseen = arm.get("unseen") or {}
    return f"{_share(arm['clients']['success'])} | {_share(unseen.get('success'))}"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.0f} %"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


if __name__ == "__main__":
    main()
