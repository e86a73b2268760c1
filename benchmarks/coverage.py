"""How often the verdict's intervals hold the truth, and how often it is wrongly "non-inferior".

Simulates studies whose truth is known (`benchmarks/studies/model.py` has the model), for every
combination of seeds, tasks, initial conditions, success and seed SD below, with the arms truly equal
and with the candidate exactly at either margin, and gives them to fedarm. A cell is one of these. The
extremes of thousands of cells are mostly chance: the cells nearest to each extreme are simulated again,
afresh and ten times as often, and the figures are those of the second time.

Figures: `crossed_t_lowest` and `crossed_t_highest`, coverage of the 95 % intervals of difference and
ratio; `false_noninferior_below_ceiling`, where the reference succeeds in less than 0.9; and
`null_declared_different`, two halves of one arm. Writes docs/coverage.md.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path

import numpy as np
from studies.coverage_page import write_page
from studies.model import Study, simulate
from studies.pairs import score_pairs
from studies.rows import FIGURES, Figure, PairRow, Row, standard_error
from studies.verdicts import Verdicts, judge

SEEDS = (2, 3, 5, 10)
TASKS = (1, 2, 4, 8)
EPISODES = (10, 16, 30)
SUCCESS = (0.3, 0.5, 0.7, 0.85, 0.95)
SEED_SDS = (0.0, 0.03, 0.05, 0.08)
# The arms equal; and exactly at a margin, where "non-inferior within" it is false.
RATIOS = (1.0, 0.9, 0.8)

_AGAIN = 10
_NEAREST = 10
_CHUNK = 2000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=2000, help="simulated a cell, at first")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--docs", type=Path, default=Path("docs"))
    args = parser.parse_args()
    start_s = time.process_time()
    cells = [Study(*cell) for cell in product(SEEDS, TASKS, EPISODES, SUCCESS, SEED_SDS)]
    rows = [
        row
        for index, study in enumerate(cells)
        for row in count(study, args.studies, np.random.default_rng([args.seed, 0, index]))
    ]
    print(f"{len(rows)} cells: {time.process_time() - start_s:.0f} s", file=sys.stderr, flush=True)
    again = dict(simulated_again(rows, args.studies * _AGAIN, seed=args.seed))
    pairs = list(pair_rows(args.studies, seed=args.seed))
    found = {figure: nearest(figure, rows, again) for figure in FIGURES}
    write_page(args.docs / "coverage.md", rows, found, pairs)
    print(f"{time.process_time() - start_s:.0f} s of computing", file=sys.stderr)
    print_figures(rows, found, pairs)


def count(study: Study, studies: int, rng: np.random.Generator) -> list[Row]:
    """Simulate a design and count, a row a true ratio."""
    counted: list[list[Verdicts]] = [[] for _ in RATIOS]
    for start in range(0, studies, _CHUNK):
        size = min(_CHUNK, studies - start)
        candidates, reference = simulate(study, RATIOS, studies=size, rng=rng)
        for ratio, candidate, parts in zip(RATIOS, candidates, counted, strict=True):
            parts.append(judge(candidate, reference, success=study.success, ratio=ratio))

    def share(parts: list[Verdicts], name: str) -> float:
        return float(np.concatenate([getattr(part, name) for part in parts]).mean())

    return [
        Row(
            study=study,
            ratio=ratio,
            studies=studies,
            difference=share(parts, "difference_covers"),
            ratio_coverage=share(parts, "ratio_covers"),
            different=share(parts, "different"),
            above=share(parts, "above"),
            fallback=share(parts, "fallback"),
        )
        for ratio, parts in zip(RATIOS, counted, strict=True)
    ]


def simulated_again(
    rows: list[Row], studies: int, *, seed: int
) -> Iterator[tuple[tuple[Study, float], Row]]:
    """Simulate the cells nearest to the extremes again, with draws of their own."""
    near = {row.study for figure in FIGURES for _, row in figure.ranked(rows)[:_NEAREST]}
    for index, study in enumerate(sorted(near, key=repr)):
        for row in count(study, studies, np.random.default_rng([seed, 1, index])):
            yield (study, row.ratio), row


def nearest(
    figure: Figure, rows: list[Row], again: Mapping[tuple[Study, float], Row]
) -> list[tuple[float, Row]]:
    """Return the cells that were nearest to a figure's extreme, as they came out the second time."""
    chosen = [row for _, row in figure.ranked(rows)[:_NEAREST]]
    return figure.ranked(again[row.study, row.ratio] for row in chosen)


def pair_rows(studies: int, *, seed: int) -> Iterator[PairRow]:
    """Simulate one checkpoint an arm; its own truth is what the score intervals speak of."""
    for index, cell in enumerate(product(TASKS, EPISODES, SUCCESS)):
        study = Study(1, *cell, seed_sd=0.0)
        rng = np.random.default_rng([seed, 2, index])
        candidates, reference = simulate(study, RATIOS, studies=studies, rng=rng)
        for ratio, candidate in zip(RATIOS, candidates, strict=True):
            scores = score_pairs(candidate, reference, success=study.success, ratio=ratio)
            yield PairRow(
                study, ratio, scores.tango_coverage, scores.tang_nam_coverage, scores.above
            )


def print_figures(
    rows: list[Row], found: Mapping[Figure, list[tuple[float, Row]]], pairs: list[PairRow]
) -> None:
    coverages = [share for row in rows for share in row.coverages]
    below = [pair.above for pair in pairs if pair.ratio < 1 and pair.below_ceiling]
    print(f"cells: {len(rows)}")
    print(f"crossed_t_mean: {np.mean(coverages):.4f}")
    print(f"crossed_t_share_above_0.98: {np.mean([share > 0.98 for share in coverages]):.4f}")
    print(f"crossed_t_share_below_0.93: {np.mean([share < 0.93 for share in coverages]):.4f}")
    print(f"tango_lowest: {min(pair.tango for pair in pairs):.4f}")
    print(f"tango_highest: {max(pair.tango for pair in pairs):.4f}")
    print(f"tang_nam_lowest: {min(pair.tang_nam for pair in pairs):.4f}")
    print(f"tang_nam_highest: {max(pair.tang_nam for pair in pairs):.4f}")
    print(f"pairs_false_noninferior_below_ceiling: {max(below):.4f}")
    errors = [
        standard_error(value, row.studies) for ranked in found.values() for value, row in ranked
    ]
    print(f"monte_carlo_error: {max(errors):.4f}")
    for figure, ranked in found.items():
        print(f"{figure.name}: {ranked[0][0]:.4f}")


if __name__ == "__main__":
    main()
