"""One cluster for all tests here. Without SLURM's daemons, or Snakemake's executor, they are skipped."""

import pytest

from tests.slurm.cluster import missing, running_cluster


def pytest_addoption(parser):
    parser.addoption(
        "--whole", action="store_true", help="the whole smoke experiment through SLURM"
    )


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    """Return a running cluster of one node."""
    lacking = missing()
    if lacking:
        pytest.skip(f"no {', '.join(lacking)}: apt-get install slurm-wlm munge")
    pytest.importorskip("snakemake_executor_plugin_slurm", reason="make install-slurm")
    with running_cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running
