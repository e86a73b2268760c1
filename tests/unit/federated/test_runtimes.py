"""Where the clients work changes no byte of the result."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fedarm.federated.exchange import ClientError
from fedarm.federated.ownership import owned
from fedarm.federated.records import pack_settings
from fedarm.federated.run import train_federated
from fedarm.federated.simulation import backend_config
from fedarm.settings import Runtime
from tests.unit.federated.test_rounds import results_of, trained
from tests.unit.training.synthetic import moved, settings_of


@pytest.fixture(scope="module")
def averaging(experiment, tmp_path_factory):
    """What one process makes of the arm with the most that travels."""
    return trained(settings_of(experiment, "averaging", 0), tmp_path_factory.mktemp("one"))


def test_workers_change_no_byte(experiment, averaging, tmp_path):
    settings = moved(settings_of(experiment, "averaging", 0), tmp_path)
    train_federated(settings, Runtime(workers=2))
    assert results_of(settings) == averaging


def test_a_client_that_fails_in_its_worker_is_named(experiment, tmp_path):
    settings = settings_of(experiment, "fedprox", 0)
    file = settings.sources[1].cache / "columns.npz"
    kept = file.read_bytes()
    file.write_bytes(b"broken")
    try:
        with pytest.raises(ClientError, match="'right' failed in the query for sums"):
            train_federated(moved(settings, tmp_path), Runtime(workers=2))
    finally:
        file.write_bytes(kept)


def test_ray_is_given_what_the_configuration_says(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,5")
    config = backend_config(Runtime("simulation", 3, client_cpus=0.5, client_gpus=0.25), Path("/x"))
    assert config["client_resources"] == {"num_cpus": 0.5, "num_gpus": 0.25}
    assert config["init_args"]["num_cpus"] == 2
    assert config["init_args"]["num_gpus"] == 2


def test_an_owned_command_gives_its_exit_code():
    with owned(["sh", "-c", "exit 3"], environment=os.environ) as process:
        assert process.wait() == 3
    with owned(["sh", "-c", "kill -9 $$"], environment=os.environ) as process:
        assert process.wait() == 128 + signal.SIGKILL


_LAUNCHER = """
import os
from fedarm.federated.ownership import owned
command = ["sh", "-c", "setsid sleep 1000 & echo $! > {pids}; sleep 1000"]
with owned(command, environment=os.environ) as process:
    process.wait()
"""


def test_a_killed_launcher_leaves_no_process(tmp_path):
    pids = tmp_path / "pids"
    launcher = subprocess.Popen([sys.executable, "-c", _LAUNCHER.format(pids=pids)])
    wait_until(lambda: pids.exists() and pids.read_text().strip())
    escaped = int(pids.read_text())
    assert Path(f"/proc/{escaped}").exists()
    launcher.kill()
    launcher.wait()
    wait_until(lambda: not Path(f"/proc/{escaped}").exists())


_RAY_LAUNCHER = """
from pathlib import Path
from fedarm.federated.records import unpack_settings
from fedarm.federated.run import train_federated
from fedarm.settings import Runtime
settings = unpack_settings(Path({file!r}).read_text())
train_federated(settings, Runtime("simulation", workers=1))
"""


@pytest.mark.slow
def test_a_killed_simulation_leaves_no_writer_and_changes_no_byte(experiment, averaging, tmp_path):
    settings = moved(settings_of(experiment, "averaging", 0), tmp_path / "run")
    file = tmp_path / "settings.json"
    file.write_text(pack_settings(settings))
    mark = f"FEDARM_TEST={tmp_path}"
    launcher = subprocess.Popen(
        [sys.executable, "-c", _RAY_LAUNCHER.format(file=str(file))],
        env={**os.environ, "FEDARM_TEST": str(tmp_path)},
    )
    wait_until(lambda: (settings.checkpoints / "round_0001").exists(), timeout_s=120)
    assert len(processes_of(mark)) > 5
    launcher.kill()
    launcher.wait()
    wait_until(lambda: not processes_of(mark))
    assert not settings.metrics.exists()
    train_federated(settings)
    assert results_of(settings) == averaging
    assert json.loads(settings.metrics.read_text())["rounds"][-1]["round"] == 3


def processes_of(mark):
    """Return the processes whose environment has a mark."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and mark.encode() in (folder / "environ").read_bytes():
                found.append((folder / "cmdline").read_bytes())
        except OSError:
            continue
    return found


def wait_until(true, timeout_s=30):
    deadline_s = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < deadline_s, "waited in vain"
        time.sleep(0.05)
