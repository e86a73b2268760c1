"""The section on data: checks, repairs and the gate, from their files."""

import re
from dataclasses import replace

import pytest

from fedarm.errors import ResultsError
from fedarm.paths import DatasetPaths
from fedarm.report.data import read_data
from fedarm.report.experiment import read_results
from fedarm.report.figures import FIGURES
from fedarm.report.inputs import DataFiles
from fedarm.report.page import build_page

from .fabrication import write

CHECKS = (
    ("jitter", "warning", "how much a joint trembles"),
    ("non_finite", "error", "NaN and infinite values"),
)


def checks(*findings):
    counted = [finding["check"] for finding in findings]
    return {
        "schema_version": 2,
        "dataset": "x",
        "passed": "non_finite" not in counted,
        "counts": {"error": counted.count("non_finite"), "warning": counted.count("jitter")},
        "checks": [
            {"check": name, "severity": severity, "measures": text, "total": counted.count(name)}
            for name, severity, text in CHECKS
        ],
        "findings": list(findings),
    }


def jitter(episode, value):
    return {
        "check": "jitter",
        "severity": "warning",
        "message": "the gripper <trembles>",
        "remedy": "look at the servo",
        "episode": episode,
        "frame": None,
        "column": "action[gripper.pos]",
        "value": value,
    }


HOTFIX = {
    "hotfix": "declared_rows",
    "settings": {"keep": "v3"},
    "rows": 22956,
    "frames": 22956,
    "episodes": [0, 1],
    "why": "each row stood twice",
    "before": "aaaaaaaaaaaa0000",
    "after": "bbbbbbbbbbbb0000",
}


def gate(*findings):
    return {
        "schema_version": 1,
        "passed": True,
        "counts": {"error": 0, "warning": len(findings)},
        "datasets": [
            {
                "dataset": name,
                "role": "client",
                "robot_type": "so100_follower",
                "fps": 30.0,
                "era": None,
                "cameras": {"observation.images.top": [480, 640]},
                "episodes": 56,
                "frames": 22956,
            }
            for name in ("pickplace", "sorting")
        ],
        "rules": [
            {"rule": "units", "severity": "error", "measures": "eras", "total": len(findings)}
        ],
        "findings": list(findings),
    }


UNITS = {
    "rule": "units",
    "severity": "warning",
    "pair": ["pickplace", "sorting"],
    "key": "calibration.era",
    "values": ["degrees", "legacy_degrees"],
    "message": "one pose has two numbers",
    "remedy": "convert one of them",
    "hotfix": {"dataset": "sorting", "hotfixes": [{"fix": "convert_era", "to": "degrees"}]},
}


@pytest.fixture
def with_data(small, tmp_path):
    """Return a small experiment's settings with the files of two datasets."""
    files = []
    for name, found, fixes in (
        ("pickplace", checks(), []),
        ("sorting", checks(jitter(3, 4.5), jitter(7, 9.25)), [HOTFIX]),
    ):
        paths = DatasetPaths(tmp_path / "datasets" / name)
        write(paths.checks, found)
        write(paths.hotfixes, {"schema_version": 1, "hotfixes": fixes})
        files.append(DataFiles(name, "client", paths))
    write(tmp_path / "gate.json", gate(UNITS))
    return replace(small, data=tuple(files), gate=tmp_path / "gate.json")


def page(settings):
    """Return the report without verdicts and figures, which need no second test."""
    return build_page(read_results(settings), (), None, dict.fromkeys(FIGURES, "<svg/>"), {})


def section_of(settings):
    found = re.search(r'<section id="data">.*?</section>', page(settings), flags=re.DOTALL)
    return found.group()


def test_findings_repairs_and_the_gate_are_shown(with_data):
    section = section_of(with_data)
    words = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", section))

    assert "2 of 2" in words
    assert "1 of 2" in words
    assert "the gripper &lt;trembles&gt; and 1 more" in words
    assert "episode 7, action[gripper.pos]" in words
    assert "9.25" in words
    assert "Remedy: look at the servo." in words
    assert "each row stood twice" in words
    assert "aaaaaaaaaaaa → bbbbbbbbbbbb" in words
    assert "units, pickplace and sorting: one pose has two numbers" in words
    assert "degrees against legacy_degrees" in words
    assert "convert_era, to: degrees" in words


def test_datasets_that_fit_together_are_said_to(with_data):
    write(with_data.gate, gate())
    section = section_of(with_data)

    assert "1 rules over 2 datasets found nothing" in section
    assert "<li>" not in section.partition("Do they fit together?")[2]


def test_totals_of_a_check_are_over_all_datasets(with_data):
    accounts = read_data(with_data)

    assert [(entry.check, total) for entry, total in accounts.checks] == [
        ("jitter", 2),
        ("non_finite", 0),
    ]
    assert [account.quiet_checks for account in accounts.datasets] == [2, 1]
    assert accounts.datasets[0].gate.frames == 22956


def test_a_file_of_another_schema_is_named(with_data):
    write(with_data.data[1].paths.checks, {**checks(), "schema_version": 1})

    with pytest.raises(
        ResultsError, match=r"(?s)not of the documented schema.*sorting/checks\.json"
    ):
        read_data(with_data)


def test_without_data_files_there_is_no_section(small):
    assert 'id="data"' not in page(small)
