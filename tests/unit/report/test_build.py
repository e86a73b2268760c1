"""The comparison's folder: what it holds, that it repeats to the byte, that it asks for nothing."""

import json
import re
from base64 import b64decode
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd
import pytest

from fedarm.errors import ResultsError
from fedarm.report.build import write_comparison
from fedarm.report.figures import FIGURES
from fedarm.report.inputs import RunFolder
from fedarm.report.page import build_page

from .conftest import SMALL
from .fabrication import fabricate

CAPTIONS = Path(__file__).parents[3] / "report"
RULE = (CAPTIONS.parent / "rules" / "compare.smk").read_text()


def test_everything_is_written(comparison):
    assert {path.name for path in comparison.iterdir()} == {
        "results.json",
        "verdict.txt",
        "report.html",
        "figures",
        "tables",
    }
    assert {path.stem for path in (comparison / "figures").iterdir()} == set(FIGURES)
    for text in FIGURES.values():
        for table in text.data:
            assert len(pd.read_csv(comparison / "tables" / f"{table}.csv")) > 0


def test_same_results_in_another_folder_give_the_same_bytes(tmp_path):
    written = []
    for name in ("one", "two/deeper"):
        settings = fabricate(tmp_path / name, episodes=6, **SMALL)
        write_comparison(settings, tmp_path / name / "comparison")
        files = sorted(p for p in (tmp_path / name / "comparison").rglob("*") if p.is_file())
        written.append({path.name: path.read_bytes() for path in files})
    assert written[0] == written[1]
    assert str(tmp_path).encode() not in b"".join(written[0].values())


def test_timings_stay_out_of_results_and_figures(comparison):
    for path in [comparison / "results.json", *(comparison / "figures").iterdir()]:
        # The rollouts' own clock is the simulator's, and the same wherever it runs.
        text = path.read_text().lower().replace("seconds from the start", "")
        assert "second" not in text, path.name


def test_figures_are_svg_without_a_date(comparison):
    for path in (comparison / "figures").iterdir():
        text = path.read_text()
        assert ElementTree.fromstring(text).tag == "{http://www.w3.org/2000/svg}svg"
        assert "<metadata>" not in text
        assert not re.search(r"20\d\d-\d\d-\d\d", text)


class _Links(HTMLParser):
    """Collects what a page would load or link to, and pictures without words."""

    def __init__(self):
        super().__init__()
        self.addresses, self.wordless, self.videos, self.images = [], [], 0, 0

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.addresses += [given[key] for key in ("src", "href") if key in given]
        self.videos += tag == "video"
        self.images += tag == "img"
        if tag == "img" and not given.get("alt"):
            self.wordless.append(given)
        if tag == "video" and not given.get("aria-label"):
            self.wordless.append(given)


def test_page_is_one_file_with_clips_and_words_for_every_picture(comparison):
    page = (comparison / "report.html").read_text()
    links = _Links()
    links.feed(page)
    assert links.addresses
    assert all(address.startswith(("data:", "#")) for address in links.addresses)
    encoded = r'"data:[^"]*"|<script type="text/plain".*?</script>|<meta http-equiv.*?>'
    assert "http" not in re.sub(encoded, "", page)
    assert "url(" not in page
    assert "default-src 'none'" in page
    assert links.wordless == []
    # Six tasks: base, four local arms, central and fedprox.
    clips = re.findall(r'<script type="text/plain" data-clip="\d+">(.*?)</script>', page)
    assert len(clips) == 6 * 7
    assert all(b64decode(clip)[4:8] == b"ftyp" for clip in clips)


def test_links_within_the_page_lead_somewhere(comparison):
    page = (comparison / "report.html").read_text()
    links = _Links()
    links.feed(page)
    inner = {address[1:] for address in links.addresses if address.startswith("#")}
    assert {"result", "watch", "tables", "table_intervals"} <= inner
    assert inner <= set(re.findall(r' id="([^"]*)"', page))


def test_tables_can_be_saved_from_the_page(comparison):
    page = (comparison / "report.html").read_text()
    for file in (comparison / "tables").glob("*.csv"):
        encoded = re.search(rf'download="{file.name}" href="data:text/csv;base64,([^"]*)"', page)
        assert b64decode(encoded[1]) == file.read_bytes()


def test_page_says_the_verdict_and_what_it_would_take(comparison, decisions):
    page = (comparison / "report.html").read_text()
    terminal = (comparison / "verdict.txt").read_text()
    for decision in decisions:
        assert decision.verdict in page
        assert decision.verdict in terminal
    assert "seeds × " in page


def test_every_figure_has_a_caption_for_the_workflow_report():
    for name in FIGURES:
        assert (CAPTIONS / f"{name}.rst").read_text().strip()
        assert f'    "{name}": (' in RULE or f'{{"{name}": (' in RULE


def test_broken_results_leave_nothing_behind(small, tmp_path):
    small.runs[0].files.metrics.unlink()
    with pytest.raises(ResultsError, match="file is missing"):
        write_comparison(small, tmp_path / "comparison")
    assert not (tmp_path / "comparison").exists()


def test_names_of_users_are_escaped(results, decisions):
    named = replace(results, settings=replace(results.settings, experiment="<b>x</b>"))
    page = build_page(
        named, decisions, None, dict.fromkeys(FIGURES, "<svg/>"), {"a<b": pd.DataFrame()}
    )
    assert "<b>x</b>" not in page
    assert "&lt;b&gt;x&lt;/b&gt;" in page
    assert "a&lt;b" in page


def test_without_federated_arms_or_unseen_sets_there_is_a_report(tmp_path):
    """Nothing to compare, no videos, no progress: still success, budgets and an explanation."""
    settings = fabricate(
        tmp_path / "alone",
        clients=("pickplace",),
        unseen=(),
        seeds=(0,),
        federated=(),
        episodes=4,
        videos=False,
    )
    write_comparison(settings, tmp_path / "comparison")
    results = json.loads((tmp_path / "comparison" / "results.json").read_text())
    assert results["verdicts"] == []
    assert results["arms"]["central"]["unseen"] is None
    assert "nothing to compare" in (tmp_path / "comparison" / "verdict.txt").read_text()
    # Without rows, too, a table says what its columns are.
    intervals = pd.read_csv(tmp_path / "comparison" / "tables" / "intervals.csv")
    assert {"candidate", "ratio_low", "method"} <= set(intervals.columns)
    assert intervals.empty


def test_margins_are_written_as_they_were_declared(tmp_path):
    settings = fabricate(tmp_path / "lab", episodes=8, videos=False, **SMALL)
    margins = replace(settings, margins=(0.125, 0.075))
    write_comparison(margins, tmp_path / "comparison")
    page = (tmp_path / "comparison" / "report.html").read_text()
    assert '<th scope="row">12.5 %</th>' in page
    assert "the margins 12.5 % and 7.5 % of" in page


def test_reference_must_be_one_run_a_seed(settings):
    with pytest.raises(ResultsError, match="one arm with one run a seed"):
        replace(settings, reference="local")
    with pytest.raises(ResultsError, match="did you mean 'central'"):
        replace(settings, reference="centrl")
    with pytest.raises(ResultsError, match="needs unseen sets"):
        replace(settings, unseen=(), primary_metric="success_unseen")


def test_candidates_are_the_federated_arms_beside_the_reference(settings):
    assert settings.candidates == ("fedprox",)
    assert replace(settings, reference="fedprox").candidates == ()
    assert settings.names[0] == "base"
    assert RunFolder("local", "local_x", "local", 3, Path("a")).label == "local_x/seed3"
