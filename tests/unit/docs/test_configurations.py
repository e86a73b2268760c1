"""What the pages show of a configuration is accepted by its schema."""

import copy

import pytest
import yaml

from fedarm.config import Config, parse_config
from fedarm.errors import ConfigError
from tests.unit.conftest import SMALL

from .pages import all_blocks


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
