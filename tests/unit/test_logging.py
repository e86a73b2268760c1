"""Progress is said in steps, speed and time to go; user mistakes end a script without a traceback."""

import logging

import pytest

from fedarm.errors import DataError
from fedarm.logging import Progress, run_script


def test_progress_line_counts_resumed_work_but_not_its_speed(monkeypatch):
    now_s = 100.0
    monkeypatch.setattr("fedarm.logging.time.monotonic", lambda: now_s)
    progress = Progress(100, label="central seed 0", unit="samples", done=40)
    now_s = 110.0
    progress.advance(20)
    assert progress.line() == "central seed 0: 60/100 samples, 2.0 samples/s, ETA 20 s"


def test_progress_reaches_the_log(caplog):
    with caplog.at_level(logging.INFO), Progress(2, label="work", unit="steps") as progress:
        progress.advance(2)
    assert "work: 2/2 steps" in caplog.text


def test_user_mistake_ends_without_traceback(capsys):
    def main():
        raise DataError("broken", file="x.mp4", remedy="record it again")

    with pytest.raises(SystemExit) as caught:
        run_script(main)
    assert caught.value.code == 2
    message = capsys.readouterr().err
    assert "x.mp4" in message
    assert "record it again" in message
    assert "Traceback" not in message
