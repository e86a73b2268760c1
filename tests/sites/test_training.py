"""A federation between processes that share no dataset gives the bytes of one in a single process."""

import shutil
from contextlib import ExitStack

from fedarm.federated.run import train_federated
from fedarm.federated.superlink import FLOWER_HOME, free_port, node_command
from fedarm.settings import Runtime
from fedarm.training.arms import train_base
from fedarm.training_jobs import train_settings
from tests.sites.conftest import running, wait_for
from tests.unit.federated.conftest import raw_experiment
from tests.unit.federated.test_rounds import results_of
from tests.unit.training.synthetic import make_experiment, moved, settings_of


def test_sites_end_with_the_bytes_of_one_process(deployment, tmp_path, monkeypatch):
    folder, port = deployment
    experiment = make_experiment(
        raw_experiment(federation={"rounds": 1}, unseen=[]), tmp_path / "results"
    )
    train_base(train_settings(experiment, experiment.base_run))
    settings = settings_of(experiment, "fedprox", 0)
    alone = moved(settings, tmp_path / "alone")
    train_federated(alone)
    monkeypatch.setenv("FLWR_HOME", str(folder / FLOWER_HOME))
    with ExitStack() as stack:
        for client in ("left", "right"):
            site = tmp_path / client
            # The server has neither the frames nor a checkpoint that the site reads.
            shutil.move(experiment.frame_cache(client), site / "cache")
            shutil.copytree(settings.start, site / "start")
            log = site / "log"
            command = node_command(
                server=f"127.0.0.1:{port}",
                authority=folder / "ca.crt",
                key=folder / "keys" / client,
                client=client,
                cache=site / "cache",
                start=site / "start",
                port=free_port(),
            )
            wait_for("SuperNode ID", log, stack.enter_context(running(command, log)))
        apart = moved(settings, tmp_path / "apart")
        train_federated(apart, Runtime("deployment", connection="fedarm"))
    assert results_of(apart) == results_of(alone)
