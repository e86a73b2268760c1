"""What the usual ways of comparing two arms say of simulated studies whose truth is known.

The same studies (`benchmarks/studies/model.py`; three seeds, four tasks, 16 initial conditions) go
through fedarm's crossed t and through what else is in use: intervals that pool all episodes of all
seeds, rliable's stratified bootstrap, and McNemar's test of one seed's pair of checkpoints. rliable
itself does not run with the pinned pandas: its method is written here from its paper. Writes
docs/verdict_rivals.md with how often each is wrong.

Figures, each the worst over seed SDs and successes: `<method>_declared_different` when the arms are
equal, and `<method>_false_noninferior` when the candidate is exactly at a margin.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np
from studies.model import Study, simulate
from studies.rivals import METHODS, Outcomes, mcnemar_different
from studies.rivals_page import Wrongs, draw, write_page

SEED_SDS = (0.0, 0.03, 0.05, 0.08)
SUCCESS = (0.6, 0.8)
SEEDS, TASKS, EPISODES = 3, 4, 16

# The arms equal; and exactly at a margin, where "non-inferior within" it is false.
_RATIOS = (1.0, 0.9, 0.8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=2000, help="simulated a design")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--docs", type=Path, default=Path("docs"))
    args = parser.parse_args()
    start_s = time.process_time()
    wrongs: list[Wrongs] = []
    for index, (success, seed_sd) in enumerate(product(SUCCESS, SEED_SDS)):
        study = Study(SEEDS, TASKS, EPISODES, success, seed_sd)
        wrongs += judged(study, args.studies, np.random.default_rng([args.seed, index]))
    write_page(args.docs / "verdict_rivals.md", wrongs, args.studies)
    draw(wrongs, args.docs / "images" / "verdict_rivals.svg")
    print(f"{time.process_time() - start_s:.0f} s of computing", file=sys.stderr)
    for method in dict.fromkeys(wrong.method for wrong in wrongs):
        of_method = [wrong for wrong in wrongs if wrong.method == method]
        print(f"{method}_declared_different: {max(w.different for w in of_method):.3f}")
        false = [w.false_noninferior for w in of_method if w.false_noninferior is not None]
        if false:
            print(f"{method}_false_noninferior: {max(max(pair) for pair in false):.3f}")


def judged(study: Study, studies: int, rng: np.random.Generator) -> Iterator[Wrongs]:
    """Simulate a design and say how often each method is wrong."""
    candidates, reference = simulate(study, _RATIOS, studies=studies, rng=rng)
    equal, *at_margins = candidates
    for name, method in METHODS.items():
        (low, high), (lenient, _) = method.intervals(equal, reference, (1.0, 0.8), rng)
        different = float(((low > 0) | (high < 0)).mean())
        if not method.of_means:
            yield Wrongs(name, study, different)
            continue
        false, coverage = [], [1 - different]
        for ratio, candidate in zip(_RATIOS[1:], at_margins, strict=True):
            ends, (bound, _) = method.intervals(candidate, reference, (1.0, ratio), rng)
            truth = (ratio - 1) * study.success
            coverage.append(float(((ends[0] <= truth) & (truth <= ends[1])).mean()))
            false.append(float((bound > 0).mean()))
        rightly = float((lenient > 0).mean())
        yield Wrongs(name, study, different, (false[0], false[1]), min(coverage), rightly)
    yield of_mcnemar(study, candidates, reference)


def of_mcnemar(study: Study, candidates: tuple[Outcomes, ...], reference: Outcomes) -> Wrongs:
    """Read "not different" as "non-inferior", as is done when there is no margin."""
    equal, tenth, fifth = (
        float(mcnemar_different(candidate, reference).mean()) for candidate in candidates
    )
    return Wrongs("mcnemar", study, equal, (1 - tenth, 1 - fifth), rightly=1 - equal)


if __name__ == "__main__":
    main()
