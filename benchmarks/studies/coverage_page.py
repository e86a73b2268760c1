"""docs/coverage.md, from what `benchmarks/coverage.py` counted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from fedarm.paths import write_atomic

from .rows import FIGURES, Figure, PairRow, Row, standard_error

_CONSERVATIVE_FROM = 0.98

Found = Mapping[Figure, list[tuple[float, Row]]]

_HEAD = """\
# Does the 95 % interval cover 95 %?

Made by `make bench NAME=coverage`: {cells} cells of simulated studies whose truth is known, {studies}
studies each, go through the intervals and the verdict that the report uses. A cell is a number of
training seeds, tasks, initial conditions a task, a true success of the reference, a standard deviation
of what a training seed does to success (0 to 8 points), and a true ratio of candidate over reference:
1, or exactly 0.9 or 0.8, where "non-inferior within 10 %" or "within 20 %" is false and may be said in
2.5 % of studies. The model: each run's success on each task is shifted by its training seed and clipped
to 0 and 1; initial conditions are as hard for one arm as for the other (pair correlation 0.3). The
truth is the mean after clipping. `benchmarks/studies/model.py` has it in full.

"Crossed t" is the interval as the report gives it: where a study shows no variance at all, score
intervals over initial conditions stand in, in {fallback} of all studies here and in up to {most} of a
cell.

## The extremes

Monte Carlo error: {error_first} points a cell at 95 %, so that the extremes of {cells} cells are mostly
chance. The {nearest} cells nearest to each extreme were simulated again with {again} studies of their
own, to {error_again} points or better; these are the numbers here.

"""
_CONSERVATIVE = """\

Where it misses its limits the interval errs on the safe side: it covers more than 98 %, mostly with two
or three seeds on few tasks, the more so the fewer the initial conditions and the less seeds differ. Two
things add up. Negative estimates of the variance over initial conditions count as zero, so that where
there is hardly any such variance it is overestimated. And the degrees of freedom count the uncertainty
of that part also where the part is zero, and never claim much more than the seeds give: between two
seeds an arm the t quantile is up to 12.7. Both belong to the formula
(`fedarm/stats/crossed_components.py`), which reference case 23 pins; two refinements that leave that
case alone were tried in simulation and left out. Without the zeroed part in the degrees of freedom,
cells of two and three seeds still covered more than 98 %. With a seed variance that is smaller than
chance alone would make it pooled with the residual, there were more false verdicts above the ceiling.
What it costs is power: of few seeds on one task the interval claims less than it could.

The share of cells in which an interval covers more than 98 %, as first simulated:

"""
_CEILING_HEAD = """\
## False non-inferiority, and the ceiling

How often a candidate exactly at a margin is called non-inferior within it, in percent: mean over cells,
and the highest cell as first simulated. It should be 2.5.

"""
_CEILING_TAIL = """\

Above a success of 0.9 the ratio test errs more often: few failures carry the variance, and a study that
happens to see hardly any takes itself for more certain than it is. The worst cell, simulated again:
{value} ({cell}). The report warns whenever an arm succeeds in more than 90 %.

"""
_PAIRS = """\
## One checkpoint an arm

With one seed, or for these checkpoints only, the report uses score intervals over pairs: Tango's for
the difference, Tang and Nam's for the ratio. The truth is that of the checkpoints. Lowest and highest
coverage over 1 to 8 tasks and all true ratios, and the highest share of false non-inferiority at a
margin.

| episodes a task | success | Tango | Tang-Nam | false non-inferiority |
|---|---|---|---|---|
"""


def write_page(file: Path, rows: Sequence[Row], found: Found, pairs: Sequence[PairRow]) -> None:
    """Write the page."""
    parts = [_head(rows, found), *_extremes(found), _CONSERVATIVE, *_conservative(rows)]
    parts += ["\n", *_tables(rows), "\n", *_ceiling(rows, found), *_pairs(pairs)]
    write_atomic(file, "".join(parts))


def _head(rows: Sequence[Row], found: Found) -> str:
    again = next(iter(found.values()))[0][1].studies
    return _HEAD.format(
        cells=len(rows),
        studies=rows[0].studies,
        fallback=_percent(sum(row.fallback for row in rows) / len(rows)),
        most=_percent(max(row.fallback for row in rows)),
        error_first=f"{100 * standard_error(0.95, rows[0].studies):.2f}",
        nearest=len(next(iter(found.values()))),
        again=again,
        error_again=f"{100 * standard_error(0.95, again):.2f}",
    )


def _extremes(found: Found) -> Iterable[str]:
    yield "| | value | must be | in the cell |\n|---|---|---|---|\n"
    for figure in FIGURES:
        value, row = found[figure][0]
        limit = _limit(figure, value, row.studies)
        yield f"| `{figure.name}` | {_percent(value)} | {limit} | {_cell(row)} |\n"


def _limit(figure: Figure, value: float, studies: int) -> str:
    if figure.limit is None:
        return "–"
    words = f"at {'most' if figure.largest else 'least'} {_percent(figure.limit)}"
    if figure.errors:
        words += f" and {figure.errors:g} Monte Carlo errors"
    return words if figure.holds(value, studies) else f"{words}: **not kept**"


def _conservative(rows: Sequence[Row]) -> Iterable[str]:
    def cell(cells: Sequence[Row]) -> str:
        return _percent(sum(max(row.coverages) > _CONSERVATIVE_FROM for row in cells) / len(cells))

    yield from _by_seeds(rows, lambda row: row.study.tasks, "tasks", cell)


def _tables(rows: Sequence[Row]) -> Iterable[str]:
    yield "## Coverage\n\nMean over cells, and the lowest and highest cell as first simulated: "
    yield "difference and ratio, all true ratios.\n\n"
    yield from _coverage(rows, lambda row: row.study.success, "success")
    yield "\n"
    yield from _coverage(rows, lambda row: row.study.tasks, "tasks")
    yield "\n"
    yield from _coverage(rows, lambda row: row.study.seed_sd, "seed SD")
    yield "\n"
    yield from _coverage(rows, lambda row: row.study.episodes, "episodes")


def _coverage(rows: Sequence[Row], factor: Callable[[Row], float], name: str) -> Iterable[str]:
    def cell(cells: Sequence[Row]) -> str:
        shares = [share for row in cells for share in row.coverages]
        return (
            f"{_number(sum(shares) / len(shares))} ({_number(min(shares))}–{_number(max(shares))})"
        )

    yield from _by_seeds(rows, factor, name, cell)


def _by_seeds(
    rows: Sequence[Row],
    factor: Callable[[Row], float],
    name: str,
    cell: Callable[[Sequence[Row]], str],
) -> Iterable[str]:
    """Yield a table with a line a number of seeds and a column a level of a factor."""
    levels = sorted({factor(row) for row in rows})
    yield f"| seeds | {' | '.join(f'{name} {level:g}' for level in levels)} |\n"
    yield f"|{'---|' * (len(levels) + 1)}\n"
    for seeds in sorted({row.study.seeds for row in rows}):
        of_seeds = [row for row in rows if row.study.seeds == seeds]
        cells = [cell([row for row in of_seeds if factor(row) == level]) for level in levels]
        yield f"| {seeds} | {' | '.join(cells)} |\n"


def _ceiling(rows: Sequence[Row], found: Found) -> Iterable[str]:
    def cell(cells: Sequence[Row]) -> str:
        shares = [share for each in cells if (share := each.false_noninferior) is not None]
        return f"{100 * sum(shares) / len(shares):.1f} ({100 * max(shares):.1f})"

    yield _CEILING_HEAD
    yield from _by_seeds(rows, lambda each: each.study.success, "success", cell)
    ranked = {figure.name: ranked for figure, ranked in found.items()}
    value, row = ranked["false_noninferior_above_ceiling"][0]
    yield _CEILING_TAIL.format(value=_percent(value), cell=_cell(row))


def _pairs(pairs: Sequence[PairRow]) -> Iterable[str]:
    yield _PAIRS
    for episodes, success in sorted({(pair.study.episodes, pair.study.success) for pair in pairs}):
        cells = [
            pair
            for pair in pairs
            if (pair.study.episodes, pair.study.success) == (episodes, success)
        ]
        shares = [
            _range([each.tango for each in cells]),
            _range([each.tang_nam for each in cells]),
            _percent(max(each.above for each in cells if each.ratio < 1)),
        ]
        yield f"| {episodes} | {success:g} | {' | '.join(shares)} |\n"


def _range(shares: Sequence[float]) -> str:
    return f"{_number(min(shares))}–{_number(max(shares))}"


def _cell(row: Row) -> str:
    study = row.study
    return (
        f"{study.seeds} seeds, {study.tasks} {'task' if study.tasks == 1 else 'tasks'}, "
        f"{study.episodes} episodes, success {study.success:g}, seed SD {study.seed_sd:g}, "
        f"ratio {row.ratio:g}"
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _number(share: float) -> str:
    return f"{share:.3f}"
