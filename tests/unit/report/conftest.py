"""One experiment and its comparison, made once; tests that bend results make their own, small."""

import pytest

from fedarm.report.build import write_comparison
from fedarm.report.experiment import read_results
from fedarm.report.verdicts import decide_all

from .fabrication import fabricate

SMALL = {"clients": ("pickplace", "sorting"), "unseen": ("pickplace_new_look",), "seeds": (0, 1)}


@pytest.fixture(scope="session")
def settings(tmp_path_factory):
    """Return the settings of an experiment as large as the lab's."""
    return fabricate(tmp_path_factory.mktemp("lab"))


@pytest.fixture(scope="session")
def results(settings):
    return read_results(settings)


@pytest.fixture(scope="session")
def decisions(results):
    return decide_all(results)


@pytest.fixture(scope="session")
def comparison(settings, tmp_path_factory):
    """Return the folder of a written comparison."""
    out = tmp_path_factory.mktemp("written") / "comparison"
    write_comparison(settings, out)
    return out


@pytest.fixture
def small(tmp_path):
    """Return a small experiment without videos, free to change."""
    return fabricate(tmp_path / "small", episodes=12, videos=False, **SMALL)
