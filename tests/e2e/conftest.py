"""One run of the smoke experiment, shared by the end-to-end tests."""

import pytest

from tests.e2e.workflow import smoke_run


@pytest.fixture(scope="session")
def smoke(tmp_path_factory):
    """Return a copy of the repository in which the smoke experiment has run."""
    return smoke_run(tmp_path_factory.mktemp("first"))
