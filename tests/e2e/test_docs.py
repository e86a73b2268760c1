"""The runs of Snakemake that the pages show can be planned."""

import pytest

from tests.e2e.workflow import Workflow
from tests.unit.docs.pages import all_blocks, commands

SHOWN = [
    words[1:]
    for block in all_blocks("bash", "console")
    if not block.tested
    for words in commands(block)
    if words[0] == "snakemake"
]
# How many cores there are changes no plan; Snakemake's report is written in `test_report.py`.
PLANS = {
    tuple(word for word in words if not word.isdigit() and word not in {"--cores", "-n"})
    for words in SHOWN
    if "--report" not in words
}
# `test_plans.py` plans every configuration as it is.
OTHERS = sorted(plan for plan in PLANS if not (len(plan) == 2 and plan[0] == "--configfile"))


@pytest.fixture(scope="module")
def workflow(tmp_path_factory):
    return Workflow.copy_to(tmp_path_factory.mktemp("shown") / "copy")


@pytest.mark.parametrize("arguments", OTHERS, ids=" ".join)
def test_a_shown_run_is_planned(workflow, arguments):
    assert "This was a dry-run" in workflow.dry_run(*arguments)
