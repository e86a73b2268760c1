import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fedarm import cli
from fedarm.tracking.history import find_runs, read_history
from fedarm.tracking.tensorboard import TensorBoardSink
from fedarm.tracking.tracker import Tracker
from tests.unit.tracking.conftest import Job
from tests.unit.tracking.reading import tensorboard_rounds, wandb_rounds

REPOSITORY = Path(__file__).resolve().parents[3]
LOSS = "held_out_loss/sorting"


class Recorder:
    """A tracker that keeps what it is told, and fails at a round if it shall."""

    label = "recorder"

    def __init__(self, fail_at=None):
        self.told = {}
        self.closed = []
        self._fail_at = fail_at

    def open(self, history):
        rounds = self.told.setdefault((history.run, history.fingerprint), [])
        recorder = self

        class Stream:
            def write(self, number, values):
                if number == recorder._fail_at:
                    raise ConnectionError("the line is dead")
                rounds.append((number, values[LOSS]))

            def close(self):
                recorder.closed.append(history.fingerprint)

        return Stream()


def test_the_numbers_of_a_line_go_by_the_path_to_them(job):
    job.note(1, loss=0.25)
    assert find_runs(job.root) == ["fedprox/seed0"]
    assert read_history(job.root, "fedprox/seed0").rounds == {
        1: {
            "samples": 32.0,
            "held_out_loss/sorting": 0.25,
            "clients/sorting/policy_loss": 0.5,
            "clients/sorting/samples": 32.0,
            "exclusions": 1.0,
        }
    }


def test_each_round_is_told_once_though_a_killed_job_does_it_again(job):
    recorder = Recorder()
    tracker = Tracker(job.root, [recorder])
    job.note(0)
    job.note(1)
    tracker.look()
    job.rewind(0)
    tracker.look()
    job.note(1)
    job.note(2)
    with (job.folder / "metrics.jsonl").open("a") as file:
        file.write('{"round": 3, "held_out')
    tracker.close()
    assert recorder.told == {("fedprox/seed0", "first"): [(0, 1.0), (1, 0.5), (2, 1 / 3)]}
    assert recorder.closed == ["first"]


def test_a_training_that_begins_anew_is_another_one(job):
    recorder = Recorder()
    tracker = Tracker(job.root, [recorder])
    job.note(0)
    tracker.look()
    job.begin("second")
    job.note(0, loss=7.0)
    tracker.close()
    assert recorder.told[("fedprox/seed0", "second")] == [(0, 7.0)]
    assert recorder.closed == ["first", "second"]


def test_a_store_that_is_wiped_during_a_look_is_read_at_the_next(job, monkeypatch):
    recorder = Recorder()
    tracker = Tracker(job.root, [recorder])
    job.note(0)
    stat = Path.stat

    def wipe_after(path, **options):
        found = stat(path, **options)
        if path.name == "metrics.jsonl":
            shutil.rmtree(path.parent)
        return found

    with monkeypatch.context() as patched:
        patched.setattr("fedarm.tracking.tracker.find_runs", lambda _: [job.run])
        patched.setattr(Path, "stat", wipe_after)
        tracker.look()
    assert not job.folder.exists()
    job.begin("second")
    job.note(0)
    tracker.close()
    assert recorder.told == {("fedprox/seed0", "second"): [(0, 1.0)]}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_end_while_it_begins_a_tracker_still_looks_once(job, monkeypatch, number):
    recorder = Recorder()

    def told_while_importing(_):
        signal.raise_signal(number)
        return [recorder]

    monkeypatch.setattr("fedarm.cli_track._sinks", told_while_importing)
    job.note(0)
    before = signal.getsignal(signal.SIGINT)
    try:
        assert cli.main(["track", str(job.root), "--follow", "--tensorboard"]) == 0
    finally:
        signal.signal(signal.SIGINT, before)
    assert recorder.told == {("fedprox/seed0", "first"): [(0, 1.0)]}
    assert recorder.closed == ["first"]


def test_a_tracker_that_fails_is_said_once_and_the_others_go_on(job, caplog):
    failing, sound = Recorder(fail_at=1), Recorder()
    other = Job(job.root, "central/seed0")
    other.begin()
    tracker = Tracker(job.root, [failing, sound])
    with caplog.at_level(logging.WARNING):
        for number in range(4):
            job.note(number)
            other.note(number)
            tracker.look()
        tracker.close()
    assert [len(rounds) for rounds in sound.told.values()] == [4, 4]
    (message,) = [record.getMessage() for record in caplog.records]
    assert "recorder is not fed any more (ConnectionError: the line is dead)" in message
    assert f"fedarm track {job.root}" in message


def test_the_store_of_a_training_is_what_is_read(tmp_path):
    from types import SimpleNamespace

    from fedarm.training.store import RoundStore

    settings = SimpleNamespace(checkpoints=tmp_path / "central/seed1/checkpoints", is_kept=bool)
    store = RoundStore.open(settings, "a fingerprint")
    store.log({"round": 0, "held_out_loss": {"sorting": 0.5}})
    history = read_history(tmp_path, *find_runs(tmp_path))
    assert (history.run, history.fingerprint) == ("central/seed1", "a fingerprint")
    assert history.rounds == {0: {LOSS: 0.5}}


def test_tensorboard_reads_each_round_once(job):
    logs = job.root / "logs"
    for rounds in (range(3), range(3, 5)):
        for number in rounds:
            job.note(number)
        tracker = Tracker(job.root, [TensorBoardSink(logs)])
        tracker.close()
    folder = logs / "fedprox/seed0/tensorboard"
    expected = [(0, 1.0), (1, 0.5), (2, 0.333333), (3, 0.25), (4, 0.2)]
    assert tensorboard_rounds(folder, LOSS) == expected


@pytest.fixture
def follow(job, tmp_path):
    """Start `fedarm track --follow` as the workflow does; return the process."""
    started = []

    def start():
        command = [sys.executable, "-m", "fedarm.cli", "track", str(job.root), "--follow"]
        command += ["--tensorboard", "--wandb", "--logs", str(tmp_path / "logs")]
        process = subprocess.Popen(command, env=dict(os.environ), start_new_session=True)
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()


def _wait_for_a_new_run(logs, process, *, known=()):
    """Wait until the process has begun to show the run in both trackers; return the runs' files."""
    while not (found := set(logs.rglob("run-*.wandb")) - set(known)):
        assert process.poll() is None, "the tracker ended by itself"
        time.sleep(0.02)
    return found


@pytest.mark.slow
def test_a_killed_tracker_goes_on_without_showing_a_round_twice(job, follow, tmp_path):
    logs = tmp_path / "logs"
    job.note(0)
    job.note(1)
    process = follow()
    killed = _wait_for_a_new_run(logs, process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    job.note(2)
    process = follow()
    _wait_for_a_new_run(logs, process, known=killed)
    job.note(3)
    process.terminate()
    assert process.wait() == 0
    expected = [(0, 1.0), (1, 0.5), (2, 0.333333), (3, 0.25)]
    assert tensorboard_rounds(logs / "fedprox/seed0/tensorboard", LOSS) == expected
    assert list(wandb_rounds(logs, LOSS).values()) == [expected]


BESIDE = """
import sys, time
from pathlib import Path
from types import SimpleNamespace
from fedarm.config_tracking import Tracking
from fedarm.tracking.beside import TrackingBeside

config = SimpleNamespace(tracking=Tracking(tensorboard=True))
beside = TrackingBeside(SimpleNamespace(root=Path(sys.argv[1]), config=config))
beside.start()
print(beside._process.pid, flush=True)
time.sleep(3600)
"""


def test_the_tracker_ends_with_a_workflow_that_is_killed(job, tmp_path):
    job.note(0)
    command = [sys.executable, "-c", BESIDE, str(job.root)]
    workflow = subprocess.Popen(
        command,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        text=True,
    )
    tracker = int(workflow.stdout.readline())
    workflow.kill()
    workflow.wait()
    while _lives(tracker):
        time.sleep(0.02)
    events = tmp_path / "logs" / job.root.name / job.run / "tensorboard"
    assert tensorboard_rounds(events, LOSS) == [(0, 1.0)]


def _lives(process):
    """Return whether a process runs; one that has ended may wait for somebody to ask how."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_what_cannot_be_tracked_is_said(tmp_path, capsys):
    assert cli.main(["track", str(tmp_path)]) == 2
    assert "give --tensorboard, --wandb, or both" in capsys.readouterr().err
    assert cli.main(["track", str(tmp_path / "nowhere"), "--tensorboard"]) == 2
    assert str(tmp_path / "nowhere") in capsys.readouterr().err
