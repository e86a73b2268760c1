"""Defects planted into a dataset of the lab are found in their place and repaired."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.defects import DEFECTS, STRENGTHS
from benchmarks.defects.comparison import difference
from benchmarks.defects.corpus import Recipe, clean_datasets
from benchmarks.defects.trial import Case, all_cases, plant, try_case
from fedarm.data.checks import CHECKS, run_checks

HANDFUL = (
    ("both_layouts", "strong"),
    ("doubled_rows", "medium"),
    ("span_drift", "medium"),
    ("nan", "mild"),
    ("truncated_video", "medium"),
    ("stats_inflated", "strong"),
    ("stamped_fps", "medium"),
)


@pytest.fixture(scope="session")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean dataset of the lab; do not change it."""
    recipe = Recipe(("pickplace",), 5, image_size=64)
    return clean_datasets(tmp_path_factory.mktemp("clean"), {"clean": recipe})["clean"]


def test_nothing_is_found_in_a_clean_dataset(clean):
    assert run_checks(clean).to_json()["findings"] == []


@pytest.mark.parametrize(("defect", "strength"), HANDFUL)
def test_a_planted_defect_is_found_and_repaired(clean, tmp_path, defect, strength):
    outcome = try_case(Case(defect, strength, "clean"), clean, tmp_path)

    assert outcome.located, outcome.detail
    assert outcome.repaired is outcome.repairable, outcome.detail
    assert outcome.restored is not False, outcome.detail


@pytest.mark.parametrize("defect", sorted(DEFECTS))
def test_planting_changes_the_dataset_and_says_what_should_find_it(clean, tmp_path, defect):
    planted = plant(Case(defect, "mild", "clean"), clean, tmp_path / "planted")

    assert set(planted.checks) <= {*CHECKS, "readable"}
    ours, theirs = _content(clean), _content(tmp_path / "planted")
    assert ours != theirs


def test_one_case_is_planted_alike_twice(clean, tmp_path):
    for name in ("first", "second"):
        plant(Case("jitter", "mild", "clean"), clean, tmp_path / name)

    assert _content(tmp_path / "first") == _content(tmp_path / "second")


def test_every_defect_meets_several_datasets():
    cases = all_cases(["a", "b", "c"], every_base=False)

    assert len(cases) == len(DEFECTS) * len(STRENGTHS)
    for name in DEFECTS:
        assert {case.base for case in cases if case.defect == name} == {"a", "b", "c"}


def test_a_difference_of_tables_is_named(clean, tmp_path):
    plant(Case("jitter", "mild", "clean"), clean, tmp_path / "jitter")
    plant(Case("wrong_length", "mild", "clean"), clean, tmp_path / "length")

    assert difference(clean, clean) is None
    assert "observation.state" in difference(clean, tmp_path / "jitter")
    assert "length" in difference(clean, tmp_path / "length")


def _content(folder: Path) -> dict[str, bytes]:
    files = (file for file in folder.rglob("*") if file.is_file())
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}
