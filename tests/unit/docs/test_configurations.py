"""What the pages show of a configuration is accepted by its schema."""

import copy
import re
from typing import get_args

import pytest
import yaml

from fedarm.config import Config, parse_config
from fedarm.config_hotfixes import AnyFix
from fedarm.errors import ConfigError
from fedarm.experiment import load_experiment
from tests.unit.conftest import SMALL

from .pages import DOCS, all_blocks


def completed(text):
    """Return a small experiment with the sections of a block in place of its own."""
    raw = copy.deepcopy(SMALL)
    for key, value in yaml.safe_load(text).items():
        known = key in {"datasets", "arms", "training", "federation"}
        raw[key] = raw[key] | value if known else value
    return raw


@pytest.mark.parametrize("block", all_blocks("yaml"), ids=str)
def test_a_shown_section_is_valid(block):
    assert isinstance(parse_config(completed(block.text), source=str(block)), Config)


def test_a_wrong_key_would_be_found():
    with pytest.raises(ConfigError, match="did you mean 'workers'"):
        parse_config(completed("federation: {wokers: 4}"), source="block")


def test_the_datasets_experiment_is_planned(tmp_path, monkeypatch):
    (block,) = (block for block in all_blocks("yaml") if block.title == "my.yaml")
    for folder in ("recordings/cubes", "theirs"):
        info = tmp_path / folder / "meta/info.json"
        info.parent.mkdir(parents=True)
        info.write_text('{"codebase_version": "v3.0"}')
    (tmp_path / block.title).write_text(block.text)
    monkeypatch.chdir(tmp_path)
    experiment = load_experiment(tmp_path / block.title)
    assert experiment.replayed == ("mine", "theirs")
    assert experiment.judged_runs == ()
    assert len(experiment.runs) == 4 * 3


def test_every_hotfix_is_in_the_table():
    section = (DOCS / "datasets.md").read_text().split("## Hotfixes")[1].split("## ")[0]
    named = {
        name for line in re.findall(r"^\| (`.*?) \|", section, re.M) for name in line.split(", ")
    }
    fixes = {
        get_args(fix.model_fields["fix"].annotation)[0] for fix in get_args(get_args(AnyFix)[0])
    }
    assert {name.strip("`") for name in named} - {"fix"} == fixes
