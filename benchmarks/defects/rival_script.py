"""Runs another checker on many datasets; needs that checker and not fedarm.

    python rival_script.py lerobot-doctor < folders.txt

Writes one JSON line a folder: `[[check, severity, message], ...]`, what it takes for sound left out, or
`null` when it gives no answer in a minute.
"""

import contextlib
import json
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType

os.environ.setdefault("HF_HUB_OFFLINE", "1")

_LIMIT_S = 60

Found = list[tuple[str, str, str]]


def doctor(folder: str) -> Found:
    from lerobot_doctor.dataset_loader import load_dataset
    from lerobot_doctor.runner import run_checks

    dataset = load_dataset(folder)
    if dataset.info is None:
        return [("load", "FAIL", str(dataset.info_error))]
    return [
        (result.name, message.severity.value, message.message)
        for result in run_checks(dataset).results
        for message in result.messages
        if message.severity.value != "PASS"
    ]


def lint(folder: str) -> Found:
    from lerobot_lint.config import detect_profile_name, load_profile
    from lerobot_lint.engine import check_dataset
    from lerobot_lint.loader import get_joint_names

    # As its command does without `--profile`.
    profile = load_profile(detect_profile_name(get_joint_names(folder)) or "default")
    findings = check_dataset(folder, profile, download_videos=True, units="auto")
    return [(f.check, f.severity, f.message) for f in findings if f.severity != "info"]


RUNNERS: dict[str, Callable[[str], Found]] = {"lerobot-doctor": doctor, "lerobot-lint": lint}


class NoAnswer(BaseException):
    """The time is up; not an `Exception`, which a checker would take for a finding of its own."""


def stop(_signal: int, _frame: FrameType | None) -> None:
    raise NoAnswer


def main() -> None:
    run = RUNNERS[sys.argv[1]]
    signal.signal(signal.SIGALRM, stop)
    for line in sys.stdin:
        found: Found | None
        with contextlib.redirect_stdout(sys.stderr):
            signal.alarm(_LIMIT_S)
            try:
                found = run(line.strip())
            except NoAnswer:
                found = None
            except Exception as error:
                # Its command ends with this message and a failure: the user knows of a defect.
                found = [("load", "error", f"{type(error).__name__}: {error}")]
            finally:
                signal.alarm(0)
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
