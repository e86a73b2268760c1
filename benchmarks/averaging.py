"""What lies between FedAvg and central training: steps in a row, rates, what averaging keeps, the start.

All but two start from the base of the strategies' experiment. Runs training and rollouts through
Snakemake (what is done is not done again) and writes `docs/averaging.md`; central training and plain
FedAvg are those arms of `configs/strategies.yaml`. The figures `<variant>_ratio` are success over that
of central training from the same base.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from numpy.typing import NDArray

from fedarm.experiment import BASE_ROUND, Experiment, load_experiment
from fedarm.paths import write_atomic
from fedarm.stats.comparison import Comparison, compare

_NOTE = """\
# What lies between FedAvg and central training

Success on the clients' tasks, over {seeds} seeds and {episodes} initial conditions a task.
Steps in a row are the optimizer's steps that follow each other: the clients of a round work side by
side, so at equal samples a federated run has a quarter of those of a central one. The learning rate
falls along half a cosine over the run. The base policy was pretrained with a learning rate that falls
likewise, or with one that stays. The ratio is to central training from the same base, with its
two-sided 95 % interval over training seeds. Made by `make bench NAME=averaging` from
`configs/strategies.yaml`.
"""


@dataclass(frozen=True)
class Variant:
    """One way of training.

    Attributes:
        name: Its name, also of its experiment.
        arm: `central`, or a federated arm of the strategies' experiment.
        rounds: How many rounds the samples are cut into.
        moments: What becomes of Adam's moments between rounds: `average` or `reset`.
        batch_size: Samples a step.
        lr_factor: The learning rate at its start, in units of the reference's.
        start: Whether the base was pretrained with a learning rate that `falls` or `stays`.
    """

    name: str
    arm: str = "fedavg"
    rounds: int = 20
    moments: str = "average"
    batch_size: int = 16
    lr_factor: int = 1
    start: str = "falls"

    def configured(self, raw: dict[str, Any], base: Path) -> dict[str, Any]:
        """Return the strategies' experiment with this variant's arm in place of all.

        Args:
            raw: That experiment's configuration.
            base: The base policy, the same to the byte for all variants that start alike.
        """
        arm = raw["arms"][self.arm]
        if self.arm != "central":
            arm = {**arm, "optimizer_state": self.moments}
        return {
            **raw,
            "experiment": f"averaging_{self.name}",
            "base": {"kind": "checkpoint", "path": str(base)},
            "federation": {**raw["federation"], "rounds": self.rounds},
            "training": {
                **raw["training"],
                "keep_every": self.rounds,
                "batch_size": self.batch_size,
                "lr": self.lr_factor * raw["training"]["lr"],
            },
            "arms": {"central": raw["arms"]["central"], self.arm: arm},
        }

    def row(self, raw: dict[str, Any], comparison: Comparison) -> str:
        """Return the variant's row of the table, compared with central training from the same base."""
        steps = raw["training"]["samples"] // self.batch_size
        federated = self.arm != "central"
        if federated:
            steps //= len(raw["clients"])
        interval = comparison.ratio_ci
        over = f"{comparison.ratio:.2f} | {interval.low:.2f} to {interval.high:.2f}"
        if self in CENTRAL.values():
            over = "1 | –"
        kept = {"average": "averaged", "reset": "new each round"}[self.moments]
        return (
            f"| {self.arm} | {self.batch_size} | {steps} "
            f"| {steps // self.rounds if federated else '–'} | {kept if federated else 'kept'} "
            f"| {self.lr_factor * raw['training']['lr']:g} | {self.start} "
            f"| {100 * comparison.candidate:.0f} % | {over} |"
        )


# These two are arms of the experiment of all strategies.
REFERENCE = Variant("central", arm="central")
PLAIN = Variant("fedavg")
# What variants that start alike are compared with.
CENTRAL = {"falls": REFERENCE, "stays": Variant("central_unannealed", arm="central", start="stays")}
VARIANTS = (
    Variant("central_batch_64", arm="central", batch_size=64),
    Variant("lr_2", lr_factor=2),
    Variant("central_lr_2", arm="central", lr_factor=2),
    Variant("unannealed", start="stays"),
    CENTRAL["stays"],
    Variant("moments_reset", moments="reset"),
    Variant("rounds_80", rounds=80),
    Variant("momentum_unannealed", arm="fedavgm", start="stays"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, default=Path("configs/strategies.yaml"))
    parser.add_argument("--docs", type=Path, default=Path("docs"))
    parser.add_argument("--folder", type=Path, default=Path("results/averaging"))
    args = parser.parse_args()
    raw = yaml.safe_load(args.config.read_text(encoding="utf-8"))
    experiment = load_experiment(args.config)
    bases = {
        "falls": experiment.run_paths(experiment.base_run).pretrained_model(BASE_ROUND),
        "stays": unannealed_base(raw, args.folder),
    }
    outcomes = {
        variant: evaluated(experiment, variant.arm, args.config) for variant in (REFERENCE, PLAIN)
    }
    for variant in VARIANTS:
        config = args.folder / f"{variant.name}.yaml"
        write_atomic(
            config, yaml.safe_dump(variant.configured(raw, bases[variant.start]), sort_keys=False)
        )
        outcomes[variant] = evaluated(load_experiment(config), variant.arm, config)
    rows = []
    for variant, success in outcomes.items():
        comparison = compare(success, outcomes[CENTRAL[variant.start]])
        rows.append(variant.row(raw, comparison))
        print(f"{variant.name}_ratio: {comparison.ratio:.3f}")
    note = _NOTE.format(seeds=len(raw["seeds"]), episodes=raw["rollout"]["episodes"])
    write_atomic(args.docs / "averaging.md", page(rows, note))


def unannealed_base(raw: dict[str, Any], folder: Path) -> Path:
    """Pretrain a base with a learning rate that stays; return its policy."""
    config = folder / "unannealed_base.yaml"
    changed = {
        **raw,
        "experiment": "averaging_unannealed_base",
        "base": {**raw["base"], "schedule": {"kind": "constant"}},
    }
    write_atomic(config, yaml.safe_dump(changed, sort_keys=False))
    experiment = load_experiment(config)
    base = experiment.run_paths(experiment.base_run)
    make([base.metrics], config)
    return base.pretrained_model(BASE_ROUND)


def evaluated(experiment: Experiment, name: str, config: Path) -> NDArray[np.float64]:
    """Train and roll out an arm's runs; return success `(seed, task, initial_condition)`."""
    tables = [
        [experiment.run_paths(run).episodes(dataset) for dataset in experiment.config.clients]
        for run in experiment.runs_named(name)
    ]
    make([table for of_run in tables for table in of_run], config)
    return np.array([[_final(table) for table in of_run] for of_run in tables], dtype=np.float64)


def _final(table: Path) -> NDArray[np.bool_]:
    episodes = pd.read_parquet(table, columns=["final", "episode", "success"])
    return episodes[episodes["final"]].sort_values("episode")["success"].to_numpy()


def make(files: Sequence[Path], config: Path) -> None:
    """Have Snakemake make files of an experiment."""
    snakemake = str(Path(sys.executable).with_name("snakemake"))
    command = [snakemake, *map(str, files), "--cores", "all", "--configfile", str(config)]
    subprocess.run(command, check=True, stdout=sys.stderr)


def page(rows: Sequence[str], note: str) -> str:
    """Return the documentation's page."""
    head = (
        "| arm | batch | steps in a row | steps a round | Adam's moments "
        "| lr | base's lr | success | ratio | 95 % interval |\n|---|---|---|---|---|---|---|---|---|---|"
    )
    return "\n".join((note, head, *rows)) + "\n"


if __name__ == "__main__":
    main()
