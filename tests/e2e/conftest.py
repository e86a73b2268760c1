"""One run of the smoke experiment, shared by the end-to-end tests."""

import pytest

from tests.e2e.workflow import Workflow

SMOKE = ("--configfile", "configs/smoke.yaml")


@pytest.fixture(scope="session")
def smoke(tmp_path_factory):
    """Return a copy of the repository in which the smoke experiment has run."""
    workflow = Workflow.copy_to(tmp_path_factory.mktemp("first"))
    workflow.run(*SMOKE)
    return workflow
