"""The runs of Snakemake that the pages show can be planned, and its report is written."""

import pytest

from tests.e2e.workflow import SMOKE
from tests.unit.docs.pages import all_blocks, commands

SHOWN = [
    words[1:]
    for block in all_blocks("bash", "console")
    if not block.tested
    for words in commands(block)
    if words[0] == "snakemake"
]
# How many cores there are changes no plan.
PLANS = {
    tuple(word for word in words if not word.isdigit() and word not in {"--cores", "-n"})
    for words in SHOWN
    if "--report" not in words
}
# `test_plans.py` plans every configuration as it is.
OTHERS = sorted(plan for plan in PLANS if not (len(plan) == 2 and plan[0] == "--configfile"))


@pytest.mark.parametrize("arguments", OTHERS, ids=" ".join)
def test_a_shown_run_is_planned(smoke, arguments):
    assert "This was a dry-run" in smoke.dry_run(*arguments)


def test_a_shown_report_is_written(smoke):
    (words,) = (words for words in SHOWN if "--report" in words)
    smoke.run(*SMOKE, *words[words.index("--report") :])
    assert (smoke.root / words[-1]).stat().st_size > 100_000
