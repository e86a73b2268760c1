"""The reference of the configuration is that of the schema."""

import re
from pathlib import Path

from fedarm.config_reference import config_reference

PAGE = Path(__file__).resolve().parents[2] / "docs" / "config.md"


def test_the_page_is_in_step_with_the_schema():
    assert PAGE.read_text() == config_reference(), "run `make config-docs`"


def test_every_link_has_its_heading():
    text = config_reference()
    headings = re.findall(r"^## (.*)$", text, re.M)
    kept = ("".join(c for c in h.lower() if c.isalnum() or c in " -_") for h in headings)
    anchors = {heading.replace(" ", "-") for heading in kept}
    links = set(re.findall(r"\]\(#([^)]*)\)", text))
    assert len(links) > 20
    assert links <= anchors


def test_bounds_defaults_and_kinds_are_told():
    table = config_reference().split("## ")[1].splitlines()
    rows = {line.split("|")[1].strip(): line for line in table if line.startswith("| `")}
    assert "at least 0 | `0` |" in rows["`seed`"]
    assert "[source: sim](#datasetsname-source-sim)" in rows["`datasets`"]
    assert "| required |" in rows["`experiment`"]
    assert "| any |" not in config_reference()
