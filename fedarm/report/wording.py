"""Numbers and verdicts in words."""

from __future__ import annotations

import math

from fedarm.report.verdicts import Decision
from fedarm.stats.comparison import Comparison
from fedarm.stats.interval import CONFIDENCE, Interval
from fedarm.stats.power import Design
from fedarm.stats.verdict import INCONCLUSIVE, INFERIOR, percent

NO_VERDICT = "There is no verdict: nothing was tried, in the simulator or on a real arm."

_METRICS = {"success": "the clients' tasks", "success_unseen": "the unseen sets"}


def label(name: str) -> str:
    """Return a run's or dataset's name for human eyes."""
    if name.startswith("local_"):
        return f"local: {label(name.removeprefix('local_'))}"
    return name.replace("_", " ")


def metric_tasks(metric: str) -> str:
    """Return on what a metric is measured."""
    return _METRICS[metric]


def share(value: float) -> str:
    """Return a share in whole percent; "undefined" if it is NaN, "unbounded" if infinite."""
    if math.isnan(value):
        return "undefined"
    return "unbounded" if math.isinf(value) else f"{100 * value:.0f} %"


def points(value: float) -> str:
    """Return a difference of shares in points of success, signed."""
    return f"{100 * value:+.1f}".replace("-", "\N{MINUS SIGN}")


def share_range(interval: Interval) -> str:
    """Return an interval of shares, as in "78 % to 108 %"."""
    return f"{share(interval.low)} to {share(interval.high)}"


def points_range(interval: Interval) -> str:
    """Return an interval of differences in points of success."""
    return f"{points(interval.low)} to {points(interval.high)}"


def headline(decision: Decision) -> str:
    """Return a verdict as a sentence."""
    candidate, reference = label(decision.candidate), label(decision.reference)
    where = metric_tasks(decision.metric)
    if decision.verdict == INCONCLUSIVE:
        return f"On {where}, {candidate} against {reference} is inconclusive."
    if decision.verdict == INFERIOR:
        return f"On {where}, {candidate} is inferior to {reference}."
    return f"On {where}, {candidate} is {decision.verdict} of {reference}."


def evidence(decision: Decision) -> str:
    """Return the numbers behind a verdict: estimates, intervals, and what the verdict speaks of."""
    comparison = decision.comparison
    return (
        f"It succeeds in {share(comparison.candidate)} of rollouts, {label(decision.reference)} in "
        f"{share(comparison.reference)}: a ratio of {share(comparison.ratio)}, 95 % interval "
        f"{share_range(comparison.ratio_ci)}; a difference of {points(comparison.difference)} points, "
        f"{points_range(comparison.difference_ci)}. {_scope(comparison)}"
    )


def worst_task(decision: Decision) -> str:
    """Return how it is on the task on which the candidate loses most; nothing if there is only one."""
    if len(decision.by_task) < 2:
        return ""
    worst = decision.by_task[decision.worst_task]
    return (
        f"Worst on {label(decision.worst_task)}: {share(worst.candidate)} against "
        f"{share(worst.reference)}, a ratio of {share(worst.ratio)}, {share_range(worst.ratio_ci)}."
    )


def _p(value: float) -> str:
    return f"p = {value:.3f}" if value >= 0.0005 else "p < 0.001"


def sequence(decision: Decision) -> str:
    """Return how the tests in their fixed order went; R is the ratio."""
    tested = [step for step in decision.sequence if step.tested]
    parts = [
        f"{step.hypothesis} ({_p(step.p_one_sided)}) {'shown' if step.shown else 'not shown'}"
        for step in tested
    ]
    rest = [step.hypothesis for step in decision.sequence if not step.tested]
    untested = f"; {' and '.join(rest)} not tested" if rest else ""
    confidence = decision.look.confidence if decision.look else CONFIDENCE
    level = f"one-sided at {100 * (1 - confidence) / 2:.2g} %"
    if decision.look:
        level += f" (look {decision.look.number} of {decision.look.of})"
    return f"In the fixed order, {level}: {', '.join(parts)}{untested}."


def resolution(decision: Decision) -> str:
    """Return the smallest effect that the design could have shown."""
    comparison = decision.comparison
    text = (
        f"With {design(comparison.design)} on {_count(comparison.tasks, 'task')}, the smallest "
        f"difference that this comparison shows in four of five repetitions is "
        f"{100 * comparison.smallest_detectable:.0f} points"
    )
    ratio = comparison.smallest_detectable_ratio
    return (
        f"{text}, a loss of {share(1 - ratio)} of the reference's success."
        if ratio is not None
        else f"{text}."
    )


def requirement(decision: Decision, margin: float) -> str:
    """Return what it would take to show non-inferiority within a margin, were the arms truly equal."""
    designs = decision.designs[margin]
    if not designs:
        return "more than 64 seeds, or easier tasks"
    return " or ".join(design(option) for option in designs)


def design(value: Design) -> str:
    """Return a design as in "3 seeds x 20 episodes"."""
    return f"{_count(value.seeds, 'seed')} × {_count(value.episodes, 'episode')} a task"


def summary(decisions: tuple[Decision, ...]) -> str:
    """Return all verdicts as plain text for a terminal."""
    if not decisions:
        return "nothing to compare: there is no federated arm beside the reference\n"
    lines: list[str] = []
    for decision in decisions:
        lines.append(headline(decision))
        lines.append(f"  {evidence(decision)}")
        lines.append(f"  {resolution(decision)}")
        lines += [
            f"  To show non-inferiority within {percent(margin)} of truly equal arms takes "
            f"{requirement(decision, margin)}."
            for margin in decision.designs
        ]
        lines += [f"  beware: {caution.text}" for caution in decision.comparison.cautions]
    return "\n".join(lines) + "\n"


def _scope(comparison: Comparison) -> str:
    if comparison.level == "seeds":
        return "This speaks of training anew with other seeds, on these tasks."
    return "This speaks of these checkpoints only, not of training anew."


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
