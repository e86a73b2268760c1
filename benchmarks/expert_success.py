"""How often the scripted expert does each task: figure `expert_success`, at least 0.98.

The figure is the lowest share of successes among the tasks. `--variant` stages them otherwise, and with
`--variant all` the figure is the lowest among all variants as well.
"""

from __future__ import annotations

import argparse
import os
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")

from fedarm.sim.expert import demonstrate
from fedarm.sim.tasks import TASKS, VARIANTS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--variant", choices=[*VARIANTS, "all"], default="standard")
    args = parser.parse_args()
    variants = VARIANTS if args.variant == "all" else [args.variant]
    shares = {
        f"{task}_{variant}": share(task, variant, args.seeds)
        for variant in variants
        for task in TASKS
    }
    print(f"demonstrations_per_cpu_s: {speed():.1f}")
    for name, value in shares.items():
        print(f"expert_success_{name}: {value:.3f}")
    print(f"expert_success: {min(shares.values()):.3f}")


def share(task: str, variant: str, seeds: int) -> float:
    failed = [
        seed
        for seed in range(seeds)
        if not demonstrate(task, variant, seed=seed, render=False).success
    ]
    print(
        f"{task}, {variant}: {seeds - len(failed)} of {seeds}; failed seeds: {failed}", flush=True
    )
    return 1 - len(failed) / seeds


def speed(count: int = 10) -> float:
    demonstrate("pickplace", seed=0)  # compiles the scene
    start_s = time.process_time()
    for seed in range(count):
        demonstrate("pickplace", seed=seed)
    return count / (time.process_time() - start_s)


if __name__ == "__main__":
    main()
