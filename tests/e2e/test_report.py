"""Snakemake's own report of the smoke experiment: every figure, with what it is and how to read it."""

import json
import re
from zipfile import ZipFile

import pytest

from fedarm.report.figures import FIGURES
from tests.e2e.workflow import SMOKE

# Of a figure of successes; its section in the page of the experiment has the same name.
CATEGORIES = {
    "verdict": "Verdict",
    "success": "Success",
    "training": "Training",
    "motion": "Motion",
}
FOLDER = "results/smoke/comparison/figures"


@pytest.fixture(scope="module")
def archive(smoke, tmp_path_factory):
    """Return the opened archive, made without any cores, as Snakemake's manual says."""
    path = tmp_path_factory.mktemp("report") / "report.zip"
    smoke.run(*SMOKE, "--report", str(path))
    with ZipFile(path) as file:
        yield file


@pytest.fixture(scope="module")
def page(archive):
    return archive.read("report/report.html").decode()


def embedded(page, name):
    return json.loads(re.search(rf"^ *var {name} = (\{{.*\}});?$", page, re.M)[1])


@pytest.mark.parametrize("name", FIGURES)
def test_figure_is_there_with_caption_and_category(smoke, archive, page, name):
    entry = embedded(page, "results")[f"{FOLDER}/{name}.svg"]
    assert archive.read(f"report/{entry['data_uri']}") == (
        (smoke.root / FOLDER / f"{name}.svg").read_bytes()
    )
    assert "comparison/tables/" in entry["caption"]
    assert entry["labels"]["figure"]
    category = CATEGORIES[FIGURES[name].section]
    assert f"{FOLDER}/{name}.svg" in embedded(page, "categories")[category]["Other"]


def test_clips_are_short(archive):
    clips = [entry for entry in archive.infolist() if entry.filename.endswith(".mp4")]
    assert {clip.filename.rpartition("/")[2] for clip in clips} == {
        f"arms_{dataset}.mp4" for dataset in ("pickplace", "sorting", "pickplace_new_look")
    }
    assert max(clip.file_size for clip in clips) < 1_000_000


def test_the_page_of_the_experiment_and_its_results_are_there(page):
    results = embedded(page, "results")
    for name in ("report.html", "results.json"):
        assert results[f"results/smoke/comparison/{name}"]["caption"]


def test_the_page_of_the_experiment_is_accessible(smoke, chromium, grave_violations):
    """The fabricated report of the browser's tests has no data section; a real one has all."""
    page = chromium.new_page()
    page.goto((smoke.root / "results/smoke/comparison/report.html").as_uri())
    assert page.locator("#data").is_visible()
    assert grave_violations(page) == {}
    page.close()
