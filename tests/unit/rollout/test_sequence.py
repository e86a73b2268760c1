"""Rollouts in looks: they stop when the plan says so, and else end as rollouts without looks do."""

from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fedarm.errors import ResultsError
from fedarm.evaluation_settings import Look, LookPlan, RolloutRound
from fedarm.paths import RunPaths, read_json
from fedarm.provenance import digest_folder
from fedarm.rollout.run import rollout_runs
from fedarm.rollout.sequence import look_at
from fedarm.stats.counts import PairedCounts
from fedarm.stats.ratio import tang_nam_z

DATASETS = ("left", "other")


def write_reference(results, success, *, seed=0):
    """Write a reference that has the same successes on each dataset; the earlier rounds do not count."""
    paths = RunPaths(results / "central" / f"seed{seed}", federated=False)
    rows = [{"final": False, "episode": entry, "success": False} for entry in range(9)]
    rows += [
        {"final": True, "episode": entry, "success": bool(one)} for entry, one in enumerate(success)
    ]
    for dataset in DATASETS:
        file = paths.episodes(dataset)
        file.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist(rows), file)
    return paths


def planned(settings, *, looks, reference, episodes, margins=(0.2, 0.1)):
    plan = LookPlan(looks, margins, DATASETS, (reference,))
    last = RolloutRound(settings.rounds[-1].round, episodes, final=True)
    return replace(settings, rounds=(*settings.rounds[:-1], last), plan=plan)


def test_shares_are_equal_and_earlier_rounds_come_first():
    looks = [Look(number, 3) for number in (1, 2, 3)]
    last, early = RolloutRound(9, 6, final=True), RolloutRound(4, 5, final=False)
    assert [list(look.episodes(last)) for look in looks] == [[0, 1], [2, 3], [4, 5]]
    assert [list(look.episodes(early)) for look in looks] == [[0, 1, 2, 3, 4], [], []]
    assert Look().episodes(last) == range(6)


def test_a_hopeless_arm_is_not_rolled_out_to_the_end(small_run, tmp_path):
    """Eight pairs lost of eight give z = -sqrt(0.8 * 8) = -2.53, beyond the second boundary, 2.45."""
    reference = write_reference(tmp_path, [1] * 6)
    settings = planned(small_run(results=tmp_path), looks=3, reference=reference, episodes=6)
    rollout_runs([settings], workers=1)
    for dataset in DATASETS:
        table = pq.read_table(settings.paths.episodes(dataset)).to_pylist()
        assert [row["episode"] for row in table if row["final"]] == [0, 1, 2, 3]
    seen = look_at([settings], settings.plan, Look(2, 3))
    assert [round(result.z, 2) for result in seen] == [-2.53, -2.68]
    assert {result.outcome for result in seen} == {"inferior"}
    assert len(read_json(settings.paths.videos)["videos"]) == 4


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_looks_to_the_end_give_the_bytes_of_a_run_without(small_run, tmp_path, workers):
    whole = small_run(results=tmp_path / "whole")
    rollout_runs([whole], workers=1)
    # Both arms fail always: nothing is ever decided.
    reference = write_reference(tmp_path, [0, 0])
    looked = small_run(results=tmp_path / "looked")
    looked = planned(looked, looks=2, reference=reference, episodes=2)
    rollout_runs([looked], workers=workers)
    assert digest_folder(looked.paths.rollouts) == digest_folder(whole.paths.rollouts)


def test_seeds_are_averaged_before_they_are_paired(small_run, tmp_path):
    """Half a success against a whole one is half a pair won by both and half a pair lost."""
    arm = [
        write_reference(tmp_path / "arm", success, seed=seed)
        for seed, success in enumerate(([1, 1], [0, 1]))
    ]
    reference = write_reference(tmp_path, [1, 1])
    settings = small_run(results=tmp_path / "unused")
    runs = [
        planned(replace(settings, paths=paths), looks=1, reference=reference, episodes=2)
        for paths in arm
    ]
    (result,) = look_at(runs, replace(runs[0].plan, margins=(0.2,)), Look())
    # On each of two datasets one pair is half lost and one is won by both.
    pairs = PairedCounts(both=3, first_only=0, second_only=1, neither=0)
    assert result.z == pytest.approx(tang_nam_z(pairs, ratio=0.8))
    assert result.z < 0


def test_a_reference_that_missed_episodes_is_refused(small_run, tmp_path):
    reference = write_reference(tmp_path, [1, 1, 1])
    settings = planned(small_run(results=tmp_path), looks=2, reference=reference, episodes=8)
    arm = replace(settings, paths=write_reference(tmp_path / "arm", [1] * 8))
    with pytest.raises(ResultsError, match="not met") as refused:
        look_at([arm], settings.plan, Look(1, 2))
    assert "central" in str(refused.value)
