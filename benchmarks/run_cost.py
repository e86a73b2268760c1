"""What a finished experiment cost, by rule, and the share of imports: figure `import_share`.

Reads the logs of an experiment, in which every job says how many processor seconds it used and how many
of them went into imports. Run the experiment from scratch first, so that the logs are of one run.
"""

import argparse
import re
from collections import defaultdict
from pathlib import Path

from fedarm.experiment import load_experiment

LINE = re.compile(r"processor seconds: imports ([\d.]+), all ([\d.]+)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--configfile", type=Path, default=Path("config.yaml"))
    experiment = load_experiment(parser.parse_args().configfile)
    folders = [Path("logs") / experiment.config.experiment]
    folders += [Path("logs/datasets") / d / experiment.version(d) for d in experiment.datasets]
    cost: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
    for log in sorted(log for folder in folders for log in folder.rglob("*.log")):
        if found := LINE.findall(log.read_text(encoding="utf-8", errors="replace")):
            row = cost[re.sub(r"_\d+px$", "", log.stem)]
            imports_s, all_s = map(float, found[-1])
            row[0] += 1
            row[1] += imports_s
            row[2] += all_s
    if not cost:
        raise SystemExit(f"no logs under {folders[0]}: run the experiment first")
    print(f"{'rule':<18}{'jobs':>6}{'imports CPU-s':>15}{'all CPU-s':>11}{'share':>8}")
    for rule, (jobs, imports_s, all_s) in sorted(cost.items(), key=lambda item: -item[1][2]):
        print(f"{rule:<18}{jobs:>6.0f}{imports_s:>15.1f}{all_s:>11.1f}{imports_s / all_s:>8.1%}")
    imports_s = sum(row[1] for row in cost.values())
    all_s = sum(row[2] for row in cost.values())
    print(f"cpu_seconds: {all_s:.0f}")
    print(f"import_share: {imports_s / all_s:.3f}")


if __name__ == "__main__":
    main()
