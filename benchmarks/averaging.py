"""Why FedAvg is behind central training: its success by how often clients average, and what they keep.

Every variant sees the same number of samples, from the same start, on the lab's datasets; only the
length of a round and what becomes of Adam's moments differ. Runs training and rollouts through Snakemake
(what is done is not done again) and writes `docs/averaging.md`; central training is that of
`configs/strategies.yaml`. The figures `<variant>_ratio` are success over that of central training.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from fedarm.experiment import Experiment, load_experiment
from fedarm.paths import write_atomic

ARM = {"kind": "federated", "strategy": "fedavg"}
_NOTE = """\
# What lies between FedAvg and central training

Success on the clients' tasks after the same number of samples ({samples} a run, batches of
{batch_size}), {seeds} seeds and {episodes} initial conditions a task. A variant differs from `fedavg` of
`configs/strategies.yaml` in what its row says. Made by `make bench NAME=averaging`; these are means,
without intervals.
"""


@dataclass(frozen=True)
class Variant:
    """One way of averaging.

    Attributes:
        rounds: How many rounds the samples are cut into.
        optimizer_state: What becomes of Adam's moments between rounds.
    """

    rounds: int
    optimizer_state: str

    @property
    def name(self) -> str:
        """The variant's experiment."""
        return f"averaging_{self.rounds}_{self.optimizer_state}"


VARIANTS = (
    Variant(5, "average"),
    Variant(20, "reset"),
    Variant(20, "average"),
    Variant(80, "average"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, default=Path("configs/strategies.yaml"))
    parser.add_argument("--docs", type=Path, default=Path("docs"))
    parser.add_argument("--folder", type=Path, default=Path("results/averaging"))
    args = parser.parse_args()
    raw = yaml.safe_load(args.config.read_text(encoding="utf-8"))
    reference = load_experiment(args.config)
    central = evaluated(reference, "central", args.config)
    rows = []
    for variant in VARIANTS:
        config = args.folder / f"{variant.name}.yaml"
        write_atomic(config, yaml.safe_dump(configured(raw, variant), sort_keys=False))
        success = evaluated(load_experiment(config), "fedavg", config)
        steps = raw["training"]["samples"] // raw["training"]["batch_size"]
        rows.append(
            {
                "rounds": variant.rounds,
                "steps": steps // variant.rounds // len(raw["clients"]),
                "moments": variant.optimizer_state,
                "success": success,
                "ratio": success / central,
            }
        )
        print(f"{variant.name}_ratio: {rows[-1]['ratio']:.3f}", flush=True)
    note = _NOTE.format(
        samples=raw["training"]["samples"],
        batch_size=raw["training"]["batch_size"],
        seeds=len(raw["seeds"]),
        episodes=raw["rollout"]["episodes"],
    )
    write_atomic(args.docs / "averaging.md", page(rows, central, note))


def configured(raw: dict[str, Any], variant: Variant) -> dict[str, Any]:
    """Return the strategies' experiment with one arm, averaged in one way."""
    return {
        **raw,
        "experiment": variant.name,
        "federation": {**raw["federation"], "rounds": variant.rounds},
        "training": {**raw["training"], "keep_every": variant.rounds},
        "arms": {
            "central": raw["arms"]["central"],
            "fedavg": {**ARM, "optimizer_state": variant.optimizer_state},
        },
    }


def evaluated(experiment: Experiment, name: str, config: Path) -> float:
    """Train and roll out an arm's runs; return its success on the clients' tasks."""
    folders = [experiment.run_paths(run).root / "rollouts" for run in experiment.runs_named(name)]
    tables = [
        folder / dataset / "episodes.parquet"
        for folder in folders
        for dataset in experiment.config.clients
    ]
    snakemake = str(Path(sys.executable).with_name("snakemake"))
    command = [snakemake, *map(str, tables), "--cores", "all", "--configfile", str(config)]
    subprocess.run(command, check=True, stdout=sys.stderr)
    episodes = pd.concat([pd.read_parquet(table) for table in tables])
    return float(episodes.loc[episodes["final"], "success"].mean())


def page(rows: list[dict[str, Any]], central: float, note: str) -> str:
    """Return the documentation's page."""
    lines = [
        note,
        "| | rounds | steps a round | Adam's moments | success | over central |",
        "|---|---|---|---|---|---|",
        f"| central | | | kept | {100 * central:.0f} % | 1 |",
    ]
    lines += [
        f"| fedavg | {row['rounds']} | {row['steps']} | "
        f"{ {'average': 'averaged', 'reset': 'new each round'}[row['moments']] } "
        f"| {100 * row['success']:.0f} % | {row['ratio']:.2f} |"
        for row in rows
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
