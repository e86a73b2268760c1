import math
from dataclasses import replace

import pytest

from fedarm.report import wording
from fedarm.report.verdicts import Look
from fedarm.stats.fixed_sequence import Step
from fedarm.stats.interval import Interval
from fedarm.stats.power import Design


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("local_so101_pickplace", "local: so101 pickplace"),
        ("central", "central"),
        ("pickplace_new_look", "pickplace new look"),
    ],
)
def test_names_for_human_eyes(name, words):
    assert wording.label(name) == words


def test_numbers():
    assert wording.share(0.825) == "82 %"
    assert wording.share(math.inf) == "unbounded"
    assert wording.share(math.nan) == "undefined"
    assert wording.points(-0.1416) == "\N{MINUS SIGN}14.2"
    assert wording.points_range(Interval(-0.1, 0.05)) == "\N{MINUS SIGN}10.0 to +5.0"
    assert wording.design(Design(1, 20)) == "1 seed × 20 episodes a task"


def test_headlines_name_who_where_and_what(decisions):
    first = decisions[0]
    assert (
        wording.headline(replace(first, verdict="non-inferior within 20 %"))
        == "On the clients' tasks, fedprox is non-inferior within 20 % of central."
    )
    assert "is inferior to central" in wording.headline(replace(first, verdict="inferior"))
    assert "is inconclusive" in wording.headline(replace(first, verdict="inconclusive"))


def test_tests_are_said_at_the_level_at_which_they_were_made(decisions):
    assert "one-sided at 2.5 %:" in wording.sequence(decisions[0])
    look = Look(number=3, of=5, boundary=2.63, confidence=0.9914)
    looked = wording.sequence(replace(decisions[0], look=look))
    assert "one-sided at 0.43 % (look 3 of 5):" in looked


def test_checkpoint_verdicts_do_not_speak_of_training_anew(decisions):
    first = decisions[0]
    assert "training anew with other seeds" in wording.evidence(first)
    narrow = replace(first, comparison=replace(first.comparison, level="checkpoints"))
    assert "these checkpoints only" in wording.evidence(narrow)


def test_summary_holds_every_decision_and_caution(decisions):
    text = wording.summary(decisions)
    assert text.count("On the ") == len(decisions)
    for decision in decisions:
        for caution in decision.comparison.cautions:
            assert caution.text in text


def test_designs_out_of_reach_are_said(decisions):
    none = replace(decisions[0], designs={0.1: ()})
    assert "more than 64 seeds" in wording.requirement(none, 0.1)


def test_the_fixed_sequence_says_what_was_not_tested(decisions):
    steps = (
        Step("R > 0.8", 0.0001, 0.0001, tested=True, shown=True),
        Step("R > 0.9", 0.2, 0.2, tested=True, shown=False),
        Step("R > 1", 0.6, 0.6, tested=False, shown=False),
    )
    assert wording.sequence(replace(decisions[0], sequence=steps)) == (
        "In the fixed order, one-sided at 2.5 %: R > 0.8 (p < 0.001) shown, R > 0.9 (p = 0.200) not"
        " shown; R > 1 not tested."
    )
