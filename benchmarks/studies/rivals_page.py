"""docs/verdict_rivals.md and its figure, from what `benchmarks/verdict_rivals.py` counted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib.pyplot as plt

from fedarm.paths import write_atomic

from .model import Study
from .rivals import METHODS, RESAMPLES
from .rows import standard_error

_MCNEMAR = "McNemar, one seed's checkpoints"
_NOTE = """\
# How often the usual comparisons are wrong

Made by `make bench NAME=verdict_rivals`: {studies} simulated studies a line, {seeds} seeds, {tasks}
tasks and {episodes} initial conditions a task, through six ways of comparing a candidate with a
reference. The truth is known ([the model](coverage.md)): either the arms are equal, or the candidate
keeps exactly 0.9 or 0.8 of the reference's success, where "non-inferior within 10 %" or "within 20 %"
is false. The seed SD is how much one training seed changes success, in points. Monte Carlo error:
{error:.1f} points at 5 %.

A sound method says "different" of equal arms in 5 % of studies, "non-inferior" at the margin in 2.5 %,
and covers the true difference in 95 %. Bold: more than {far:.0f} Monte Carlo errors on the wrong side
of that.

The worst of the eight designs below:

"""
_FIGURE = """\

![Share of equal arms declared different, by seed SD](images/verdict_rivals.svg)

"""
_READING = """\

- *Different*: declared different though the arms are equal. *Within 10 %, 20 %*: declared non-inferior
  though the candidate is exactly that much worse. *Coverage*: of the 95 % interval of the difference,
  the lowest of the three truths. *Rightly*: declared non-inferior within 20 % when the arms are equal,
  what the method can find. A method that errs often also finds often.
- Pooled: every episode of every seed counts as one trial. Without differences between seeds that is
  nearly right; with them, episodes of one seed are not independent.
- rliable's bootstrap resamples the runs x tasks matrix of success within each task ({resamples}
  resamples, percentiles). It is written here from Agarwal et al. 2021, because the library does not run
  with the pinned pandas. With three runs a bootstrap sees too little of the variance; and it draws each
  task's runs apart, so that what a seed does to all tasks at once averages out. The interquartile mean
  is another estimand, whose ratio is not exactly 0.9 or 0.8: only equal arms are asked of it.
- McNemar's test (mid-p) of the first seed's checkpoints answers whether *these* two checkpoints differ.
  Of training anew it says "different" too often. It has no margin; its columns of non-inferiority show
  what happens when "not significantly different" is read as "as good as".
- fedarm's crossed t is the cautious one: where seeds hardly differ it errs less often than it may, and
  finds less. That is what an interval over three seeds knows ([coverage](coverage.md)).
"""
_FAR = 3.0
_NOMINAL_DIFFERENT = 0.05
_NOMINAL_NONINFERIOR = 0.025
_NOMINAL_COVERAGE = 0.95
_COLOURS = {
    "crossed_t": "#0f8b8d",
    "pooled_pairs": "#c8553d",
    "pooled_newcombe": "#e0a458",
    "bootstrap_mean": "#2b3a55",
    "bootstrap_iqm": "#8a93a6",
    "mcnemar": "#7b5ea7",
}


@dataclass(frozen=True)
class Wrongs:
    """How often a method was wrong, and right, on one design.

    Attributes:
        method: Its key.
        study: The design.
        different: Declared different when the arms are equal.
        false_noninferior: Declared non-inferior within 10 and 20 % when exactly that much worse.
        coverage: Of the interval of the difference, the lowest of the true ratios.
        rightly: Declared non-inferior within 20 % when the arms are equal.
    """

    method: str
    study: Study
    different: float
    false_noninferior: tuple[float, float] | None = None
    coverage: float | None = None
    rightly: float | None = None


def write_page(file: Path, wrongs: Sequence[Wrongs], studies: int) -> None:
    """Write the page."""
    study = wrongs[0].study
    note = _NOTE.format(
        studies=studies,
        seeds=study.seeds,
        tasks=study.tasks,
        episodes=study.episodes,
        error=100 * standard_error(_NOMINAL_DIFFERENT, studies),
        far=_FAR,
    )
    worst, table = "".join(_worst(wrongs)), "".join(_table(wrongs, studies))
    write_atomic(file, note + worst + _FIGURE + table + _READING.format(resamples=RESAMPLES))


def draw(wrongs: Sequence[Wrongs], file: Path) -> None:
    """Draw how often equal arms are declared different, by seed SD, a panel a success."""
    levels = sorted({wrong.study.success for wrong in wrongs})
    figure, panels = plt.subplots(
        1, len(levels), figsize=(9, 3.4), sharey=True, layout="constrained", squeeze=False
    )
    for axes, success in zip(panels[0], levels, strict=True):
        for method, colour in _COLOURS.items():
            of_method = [w for w in wrongs if (w.method, w.study.success) == (method, success)]
            axes.plot(
                [100 * wrong.study.seed_sd for wrong in of_method],
                [100 * wrong.different for wrong in of_method],
                "o-",
                color=colour,
                linewidth=1.5,
                markersize=4,
                label=_title(method),
            )
        axes.axhline(100 * _NOMINAL_DIFFERENT, color="#6b7480", linewidth=0.8, linestyle="--")
        axes.set_title(f"success {success:g}", fontsize="medium")
        axes.set_xlabel("seed SD, points")
    # Shared by all panels, so only when all are drawn.
    panels[0][0].set_ylim(bottom=0)
    panels[0][0].set_ylabel("equal arms declared different, %")
    handles, labels = panels[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center", frameon=False, fontsize="small")
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, metadata={"Date": None})
    plt.close(figure)


def _worst(wrongs: Sequence[Wrongs]) -> Iterable[str]:
    yield "| method | different | within 10 % | within 20 % | coverage |\n|---|---|---|---|---|\n"
    for method in dict.fromkeys(wrong.method for wrong in wrongs):
        own = [wrong for wrong in wrongs if wrong.method == method]
        false = [wrong.false_noninferior for wrong in own if wrong.false_noninferior is not None]
        coverages = [wrong.coverage for wrong in own if wrong.coverage is not None]
        cells = [
            _title(method),
            _percent(max(wrong.different for wrong in own)),
            _percent(max((ten for ten, _ in false), default=None)),
            _percent(max((twenty for _, twenty in false), default=None)),
            _percent(min(coverages, default=None)),
        ]
        yield f"| {' | '.join(cells)} |\n"


def _table(wrongs: Sequence[Wrongs], studies: int) -> Iterable[str]:
    yield "| success | seed SD | method | different | within 10 % | within 20 % | coverage | rightly |\n"
    yield f"|{'---|' * 8}\n"
    for wrong in wrongs:
        ten, twenty = wrong.false_noninferior or (None, None)
        cells = [
            f"{wrong.study.success:g}",
            f"{100 * wrong.study.seed_sd:g}",
            _title(wrong.method),
            _share(wrong.different, _NOMINAL_DIFFERENT, studies),
            _share(ten, _NOMINAL_NONINFERIOR, studies),
            _share(twenty, _NOMINAL_NONINFERIOR, studies),
            _share(wrong.coverage, _NOMINAL_COVERAGE, studies, at_least=True),
            "–" if wrong.rightly is None else f"{100 * wrong.rightly:.0f} %",
        ]
        yield f"| {' | '.join(cells)} |\n"


def _title(method: str) -> str:
    return METHODS[method].title if method in METHODS else _MCNEMAR


def _share(value: float | None, nominal: float, studies: int, *, at_least: bool = False) -> str:
    """Return a share in percent, bold where it is far on the wrong side of the nominal one."""
    if value is None:
        return _percent(value)
    excess = (nominal - value) if at_least else (value - nominal)
    far = excess > _FAR * standard_error(nominal, studies)
    return f"**{_percent(value)}**" if far else _percent(value)


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f} %"
