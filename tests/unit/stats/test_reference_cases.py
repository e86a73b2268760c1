"""Published and hand-checked numbers: `tests/reference/statistics_cases.csv`, row by row."""

import csv
import re
from pathlib import Path

import numpy as np
import pytest

from fedarm.stats.aggregates import interquartile_mean, probability_of_improvement
from fedarm.stats.counts import PairedCounts
from fedarm.stats.crossed import crossed_t_difference
from fedarm.stats.difference import (
    newcombe_paired,
    tango,
    tango_p_greater_one_sided,
    tango_z,
    wald_paired,
)
from fedarm.stats.paired_tests import holm, mcnemar
from fedarm.stats.proportions import clopper_pearson, newcombe_unpaired, wilson
from fedarm.stats.ratio import tang_nam
from fedarm.stats.unpaired_tests import barnard, boschloo
from fedarm.video.smoothness import ldlj, sparc

CASES = {
    int(row["id"]): row
    for row in csv.DictReader(
        (Path(__file__).parents[2] / "reference" / "statistics_cases.csv").open()
    )
}


def values(text, **names):
    """Return the numbers after `name=` in a case's input, with the given defaults."""
    found = {name: float(value) for name, value in re.findall(r"(\w+)=([\d.]+)", text)}
    return {**names, **found}


def numbers(text):
    return [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", text)]


def fractions(text):
    return [(int(k), int(n)) for k, n in re.findall(r"(\d+)/(\d+)", text)]


def counts(text):
    given = values(text)
    if "n" in given:
        rest = given["n"] - given["first_only"] - given["second_only"]
        return PairedCounts(rest, given["first_only"], given["second_only"], 0)
    return PairedCounts(*(given[key] for key in ("both", "first_only", "second_only", "neither")))


def ends(interval):
    return [interval.low, interval.high]


def outcomes(text, arm):
    rows = re.search(rf"{arm}=\[([01 ]+)\]", text).group(1).split()
    return np.array([[[float(digit) for digit in row]] for row in rows])


def crossed(text):
    found = crossed_t_difference(outcomes(text, "F"), outcomes(text, "C"))
    return [found.estimate, found.se, found.df, found.interval.low, found.interval.high]


def noninferiority(text):
    table, difference = counts(text), -values(text)["margin"]
    return [
        tango_z(table, difference=difference),
        tango_p_greater_one_sided(table, difference=difference),
    ]


def mcnemar_values(text):
    given = values(text)
    found = mcnemar(int(given["first_only"]), int(given["second_only"]))
    return [found.exact_p_two_sided, found.mid_p_two_sided, found.asymptotic_p_two_sided]


def exact_tests(text):
    one, two = (np.array(numbers(table)).reshape(2, 2).astype(int) for table in text.split(";"))
    return [
        barnard(tuple(one[:, 0]), tuple(one[:, 1]), alternative="less"),
        boschloo(tuple(two[:, 0]), tuple(two[:, 1]), alternative="greater"),
    ]


def aggregates(text):
    x, y = (
        np.array(numbers(table)).reshape(-1, 2) for table in re.findall(r"=(\[\[.*?\]\])", text)
    )
    return [probability_of_improvement(x, y), interquartile_mean(x)]


def smoothness(text):
    duration_s, rate_hz = numbers(text)
    tau = np.arange(0, duration_s, 1 / rate_hz) / duration_s
    speed = 30 * tau**2 - 60 * tau**3 + 30 * tau**4
    return [sparc(speed, rate_hz), ldlj(speed, rate_hz)]


COMPUTE = {
    1: lambda text: ends(tango(counts(text))),
    2: lambda text: ends(newcombe_paired(counts(text))),
    3: lambda text: ends(tang_nam(counts(text))),
    4: mcnemar_values,
    5: lambda text: ends(wald_paired(counts(text))),
    9: noninferiority,
    13: lambda text: ends(tango(counts(text))),
    14: lambda text: [end for pair in fractions(text) for end in ends(wilson(*pair))],
    15: lambda text: [end for pair in fractions(text) for end in ends(clopper_pearson(*pair))],
    16: lambda text: ends(newcombe_unpaired(*fractions(text))),
    17: lambda text: ends(newcombe_unpaired(*fractions(text))),
    18: exact_tests,
    19: lambda text: list(holm(numbers(text))),
    20: aggregates,
    22: smoothness,
    23: crossed,
}


@pytest.mark.parametrize("case", sorted(CASES))
def test_case(case):
    row = CASES[case]
    expected = numbers(row["expected"])
    found = COMPUTE[case](row["input"])
    assert len(found) == len(expected)
    assert found == pytest.approx(expected, abs=float(row["tolerance"]))


def test_every_case_is_accounted_for():
    assert set(CASES) == set(COMPUTE)
