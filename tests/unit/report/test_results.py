"""`results.json` and the tables: numbers against the rollouts themselves."""

import json
from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from fedarm.declaration import Declared
from fedarm.errors import ResultsError
from fedarm.report.accounts import client_exclusions
from fedarm.report.experiment import read_results
from fedarm.report.losses import loss_and_success, rank_by_loss
from fedarm.report.outcomes import shared_outcomes
from fedarm.report.results import build_results
from fedarm.report.success import success_by_round, success_by_task
from fedarm.report.verdicts import decide_all
from fedarm.stats.comparison import compare
from fedarm.stats.counts import count_pairs
from fedarm.stats.interval import Interval
from fedarm.stats.proportions import wilson
from fedarm.stats.ratio import tang_nam
from fedarm.stats.verdict import decide

from .conftest import SMALL
from .fabrication import CLIENTS, UNSEEN, fabricate

VERDICT_KEYS = {
    "candidate",
    "reference",
    "metric",
    "margin",
    "verdict",
    "ratio",
    "ratio_ci",
    "difference",
    "difference_ci",
    "seeds",
    "tasks",
    "episodes_per_cell",
    "smallest_detectable",
}


@pytest.fixture(scope="module")
def written(comparison):
    return json.loads((comparison / "results.json").read_text())


def raw_outcomes(settings, name, datasets):
    """Read success `(seed, task, initial_condition)` straight from the files."""
    arrays = []
    for run in settings.runs_of(name):
        tables = [pd.read_parquet(run.files.episodes(dataset)) for dataset in datasets]
        arrays.append([table[table["final"]]["success"].to_numpy(float) for table in tables])
    return np.array(arrays)


def test_verdicts_are_the_statistics_of_the_rollouts(written, settings):
    expected = compare(
        raw_outcomes(settings, "fedprox", CLIENTS), raw_outcomes(settings, "central", CLIENTS)
    )
    first = written["verdicts"][0]
    assert first["metric"] == "success"
    assert first["primary"]
    assert first["ratio"] == pytest.approx(expected.ratio, rel=1e-9)
    assert first["ratio_ci"] == pytest.approx(
        [expected.ratio_ci.low, expected.ratio_ci.high], rel=1e-9
    )
    assert first["difference_ci"] == pytest.approx(
        [expected.difference_ci.low, expected.difference_ci.high], rel=1e-9
    )
    assert (first["seeds"], first["tasks"], first["episodes_per_cell"]) == (3, 4, 20)
    assert first["smallest_detectable"] == pytest.approx(expected.smallest_detectable, rel=1e-9)


def test_there_is_a_verdict_for_each_candidate_metric_and_margin(written):
    assert [(v["metric"], v["margin"]) for v in written["verdicts"]] == [
        ("success", 0.2),
        ("success", 0.1),
        ("success_unseen", 0.2),
        ("success_unseen", 0.1),
    ]
    for verdict in written["verdicts"]:
        assert set(verdict) >= VERDICT_KEYS
        assert verdict["verdict"] == decide(Interval(*verdict["ratio_ci"]), [verdict["margin"]])
        assert verdict["required_designs"]
    assert [decision["primary"] for decision in written["decisions"]] == [True, False]
    assert set(written["decisions"][1]["by_task"]) == set(UNSEEN)


def test_arms_count_every_final_episode_and_no_other(written, settings):
    for name, arm in written["arms"].items():
        for dataset, cell in arm["tasks"].items():
            successes = raw_outcomes(settings, name, [dataset])
            interval = wilson(successes.sum(), successes.size)
            assert cell["successes"] == successes.sum()
            assert cell["episodes"] == successes.size == 20 * len(arm["seeds"])
            assert cell["wilson_ci"] == pytest.approx([interval.low, interval.high], rel=1e-9)
            assert sum(s["successes"] for s in cell["by_seed"].values()) == cell["successes"]
            assert cell["unseen"] == (dataset in UNSEEN)
        clients = [cell for cell in arm["tasks"].values() if not cell["unseen"]]
        assert arm["clients"]["successes"] == sum(cell["successes"] for cell in clients)
    assert written["arms"]["base"]["tasks"]["sorting"]["held_out_loss"] is None
    assert written["arms"]["central"]["tasks"]["sorting"]["held_out_loss"] > 0
    assert written["arms"]["local_sorting"]["tasks"]["stacking"]["held_out_loss"] is None


def test_seeds_with_different_episodes_are_paired_by_initial_condition(results):
    """Shuffled rows change nothing: pairs are found by what they were drawn from."""
    final = results.final
    shuffled = final.sample(frac=1, random_state=1)
    for datasets in (CLIENTS, UNSEEN):
        one = shared_outcomes(final, ("fedprox", "central"), datasets=datasets)
        two = shared_outcomes(shuffled, ("fedprox", "central"), datasets=datasets)
        for arm in ("fedprox", "central"):
            np.testing.assert_array_equal(one.success[arm], two.success[arm])
        assert one.exclusions == ()


def test_rounds_are_compared_on_the_same_initial_conditions(results):
    table = success_by_round(results)
    assert set(table["episodes"]) == {8}
    assert set(table.loc[table["name"] == "fedprox", "round"]) == {5, 10, 15}
    assert set(table.loc[table["name"] == "base", "round"]) == {0}
    assert not table["name"].str.startswith("local").any()


def test_loss_ranks_runs_that_have_a_loss(results):
    table = loss_and_success(results)
    assert "base" not in set(table["name"])
    sorting = table[table["dataset"] == "sorting"]
    assert set(sorting["name"]) == {"central", "fedprox", "local_sorting"}
    ranks = {rank.dataset: rank for rank in rank_by_loss(results)}
    assert ranks["sorting"].runs == 9
    # Central and federated runs were rolled out after two earlier rounds besides.
    assert ranks["sorting"].checkpoints == 9 + 2 * 6
    assert ranks["sorting"].spearman < 0
    assert ranks["sorting"].spearman_checkpoints < 0


def test_success_table_names_kinds(results):
    table = success_by_task(results)
    assert len(table) == len(results.settings.names) * 6
    assert set(table["kind"]) == {"base", "local", "central", "federated"}


def test_one_seed_speaks_of_its_checkpoints(tmp_path):
    settings = fabricate(
        tmp_path, clients=("pickplace", "sorting"), unseen=(), seeds=(0,), videos=False
    )
    results = read_results(replace(settings, level="checkpoints"))
    decisions = decide_all(results)
    found = build_results(results, decisions, None)
    assert {verdict["level"] for verdict in found["verdicts"]} == {"checkpoints"}
    assert "Tango" in found["verdicts"][0]["method"]


def test_rollouts_that_stopped_early_have_the_interval_of_their_look(tmp_path):
    """Ten of twenty initial conditions, the first of two looks: 2.797 in place of 1.960."""
    settings = fabricate(tmp_path, clients=("pickplace", "sorting"), unseen=(), videos=False)
    for run in settings.runs_of("fedprox"):
        for dataset in settings.datasets:
            file = run.files.episodes(dataset)
            rows = pd.read_parquet(file)
            rows[~rows["final"] | (rows["episode"] < 10)].to_parquet(file)
    looked = replace(settings, level="checkpoints", looks=2, episodes=20)
    results = read_results(looked)
    (decision,) = decide_all(results)
    assert (decision.look.number, decision.look.of) == (1, 2)
    assert decision.look.boundary == pytest.approx(2.7965, abs=1e-4)
    arms = shared_outcomes(results.final, ("fedprox", "central"), datasets=looked.clients).success
    pairs = count_pairs(*(arms[name].mean(axis=0) for name in ("fedprox", "central")))
    expected = tang_nam(pairs, confidence=2 * norm.cdf(2.7965096815) - 1)
    assert decision.comparison.ratio_ci.low == pytest.approx(expected.low)
    assert decision.comparison.cautions[0].code == "sequential"
    # What the design can show does not depend on how wide a look's interval is.
    fixed = compare(*(arms[name] for name in ("fedprox", "central")), level="checkpoints")
    shown = decision.comparison.smallest_detectable
    assert shown == pytest.approx(fixed.smallest_detectable, rel=0.1)
    found = build_results(results, (decision,), None)
    assert found["decisions"][0]["look"]["number"] == 1
    # The reference's other ten are listed, not dropped without a word.
    assert sum(left["episodes"] for left in found["exclusions"]) == 2 * 3 * 10


def test_episodes_between_two_looks_are_refused(tmp_path):
    settings = fabricate(tmp_path, episodes=12, videos=False, **SMALL)
    results = read_results(replace(settings, level="checkpoints", looks=2, episodes=20))
    with pytest.raises(ResultsError, match="every 10 initial conditions"):
        decide_all(results)


def test_undefined_numbers_are_null(tmp_path):
    """A reference that never succeeds leaves the ratio without an upper end; JSON has no infinity."""
    settings = fabricate(tmp_path, episodes=12, videos=False, **SMALL)
    for run in settings.runs_of("central"):
        for dataset in settings.datasets:
            file = run.files.episodes(dataset)
            pd.read_parquet(file).assign(success=False).to_parquet(file)
    results = read_results(settings)
    decisions = decide_all(results)
    found = build_results(results, decisions, None)
    verdict = found["verdicts"][0]
    assert verdict["ratio"] is None
    assert verdict["ratio_ci"][1] is None
    assert verdict["verdict"] == "inconclusive"
    assert verdict["smallest_detectable_ratio"] is None
    assert "floor" in {warning["code"] for warning in found["warnings"]}
    json.dumps(found, allow_nan=False)


def test_floats_have_ten_digits(written):
    def floats(value):
        if isinstance(value, dict):
            value = list(value.values())
        if isinstance(value, list):
            return [number for entry in value for number in floats(entry)]
        return [value] if isinstance(value, float) else []

    assert floats(written)
    assert all(float(f"{number:.10g}") == number for number in floats(written))


def test_rounds_without_a_client_are_listed(small):
    run = next(run for run in small.runs if run.kind == "federated")
    file = run.files.metrics
    metrics = json.loads(file.read_text())
    left = {"client": "sorting", "stage": "train", "reason": "no reply", "detail": ""}
    metrics["rounds"][2]["exclusions"] = [left]
    file.write_text(json.dumps(metrics))
    (found,) = client_exclusions(read_results(small))
    assert asdict(found) == {"name": run.name, "seed": run.seed, "round": 2, **left}


def test_pairs_cover_all_arms_and_letters_agree_with_them(written, settings):
    pairs, letters = written["pairs"]["pairs"], written["pairs"]["letters"]
    names = settings.names
    assert len(pairs) == len(names) * (len(names) - 1) // 2
    assert set(letters) == set(names)
    for pair in pairs:
        first, second = (raw_outcomes(settings, name, CLIENTS) for name in pair["arms"])
        assert pair["difference"] == pytest.approx(first.mean() - second.mean(), abs=1e-9)
        assert pair["holm_p_two_sided"] >= pair["p_two_sided"]
        apart = not set.intersection(*(set(letters[name]) for name in pair["arms"]))
        assert apart == (pair["holm_p_two_sided"] <= 0.05)


def test_the_table_of_pairs_says_what_results_say(written, comparison):
    table = pd.read_csv(comparison / "tables" / "arm_pairs.csv")
    pairs, letters = written["pairs"]["pairs"], written["pairs"]["letters"]
    assert table[["first", "second"]].values.tolist() == [pair["arms"] for pair in pairs]
    assert table["holm_p_two_sided"].tolist() == pytest.approx(
        [pair["holm_p_two_sided"] for pair in pairs]
    )
    assert table["second_letters"].tolist() == [letters[name] for name in table["second"]]
    alone = table["first_success"] - table["second_success"]
    assert alone.tolist() == pytest.approx(table["difference"].tolist())


def test_the_fixed_sequence_agrees_with_the_verdicts(written):
    shown = {
        (v["candidate"], v["metric"], v["margin"]): v["verdict"].startswith("non-inferior")
        for v in written["verdicts"]
    }
    for decision in written["decisions"]:
        keys = (decision["candidate"], decision["metric"])
        twenty, ten, better = decision["sequence"]
        assert (twenty["shown"], ten["shown"]) == (shown[*keys, 0.2], shown[*keys, 0.1])
        assert better["hypothesis"] == "R > 1"
        worst = decision["by_task"][decision["worst_task"]]["difference"]
        assert worst == min(task["difference"] for task in decision["by_task"].values())


@pytest.mark.parametrize("rollouts", [0, 12])
def test_what_was_declared_late_is_warned_of(results, decisions, rollouts):
    declared = (Declared(sha256="0" * 64, rollouts=rollouts, plan={}),)
    content = build_results(replace(results, declared=declared), decisions, None)
    assert content["declaration"]["before_the_data"] == (rollouts == 0)
    codes = {warning["code"] for warning in content["warnings"]}
    assert ("declared_late" in codes) == (rollouts > 0)
