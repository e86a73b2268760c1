"""One run of the smoke experiment, shared by the end-to-end tests."""

import os
from pathlib import Path

import pytest

from tests.e2e.workflow import smoke_run

FOLDER = Path(__file__).parent


def pytest_collection_modifyitems(items):
    """Begin with what runs the experiment; beside it goes what does not wait for that."""
    waiting = {item.path for item in items if "smoke" in item.fixturenames}

    def turn(item):
        if item.path.parent != FOLDER or item.path.name == "test_smoke.py":
            return 0
        return 2 if item.path in waiting else 1

    items.sort(key=turn)


@pytest.fixture(scope="session")
def smoke(tmp_path_factory):
    """Return a copy of the repository in which the smoke experiment has run, and which others read."""
    base = tmp_path_factory.getbasetemp()
    # A worker of pytest-xdist has a folder of its own in that of the session.
    session = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    return smoke_run(session / "smoke")
