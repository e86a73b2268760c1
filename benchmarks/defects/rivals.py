"""Other checkers on the same datasets, from environments of their own that uv makes on demand."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from .trial import Case, plant

RIVALS: Mapping[str, str] = {"lerobot-doctor": "0.2.0", "lerobot-lint": "0.1.1"}

_SCRIPT = Path(__file__).with_name("rival_script.py")
_ROOT = Path(__file__).resolve().parents[2]

Found = list[list[str]]


@dataclass(frozen=True)
class Verdicts:
    """What other checkers said.

    Attributes:
        found: By rival, by case: the messages that the clean dataset of that case does not get.
        on_clean: By rival, by clean dataset: all messages.
        unavailable: Why a rival could not be run.
    """

    found: Mapping[str, Mapping[Case, Found]]
    on_clean: Mapping[str, Mapping[str, Found]]
    unavailable: Mapping[str, str]

    def detected_share(self, rival: str) -> float:
        """Return the share of cases of which a rival says what it does not say of clean data.

        Generous: neither the right reason nor the right place is asked for.
        """
        cases = self.found[rival]
        return sum(bool(found) for found in cases.values()) / max(len(cases), 1)

    def false_alarms(self, rival: str) -> int:
        """Return how many messages a rival gives on clean datasets."""
        return sum(len(found) for found in self.on_clean[rival].values())


def try_rivals(cases: Sequence[Case], clean: Mapping[str, Path]) -> Verdicts:
    """Plant every case once more and show it to every rival."""
    found: dict[str, dict[Case, Found]] = {}
    on_clean: dict[str, dict[str, Found]] = {}
    unavailable: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as name:
        folders = [Path(name) / case.name for case in cases]
        for case, folder in zip(cases, folders, strict=True):
            plant(case, clean[case.base], folder)
        for rival in RIVALS:
            try:
                every = _run(rival, [*clean.values(), *folders])
            except (OSError, subprocess.CalledProcessError) as error:
                unavailable[rival] = _reason(error)
                continue
            on_clean[rival] = dict(zip(clean, every, strict=False))
            found[rival] = {
                case: _beyond(messages, on_clean[rival][case.base])
                for case, messages in zip(cases, every[len(clean) :], strict=True)
            }
    return Verdicts(found, on_clean, unavailable)


def _run(rival: str, folders: Sequence[Path]) -> list[Found]:
    """Return a rival's messages on each dataset, several processes side by side."""
    workers = os.cpu_count() or 1
    parts = [folders[start::workers] for start in range(workers)]
    # The first call makes the environment; side by side, they would make it twice.
    _call(rival, [])
    with ThreadPoolExecutor(workers) as pool:
        answers = list(pool.map(lambda part: _call(rival, part), parts))
    merged: list[Found] = [[] for _ in folders]
    for start, answer in enumerate(answers):
        merged[start::workers] = answer
    return merged


def _call(rival: str, folders: Sequence[Path]) -> list[Found]:
    uv = shutil.which("uv", path=f"{_ROOT / '.tools' / 'bin'}{os.pathsep}{os.environ['PATH']}")
    if uv is None:
        raise FileNotFoundError("uv is not installed: run `make install`")
    command = [uv, "run", "--no-project", "--quiet", "--python", sys.executable]
    command += ["--with", f"{rival}=={RIVALS[rival]}", "python", str(_SCRIPT), rival]
    # fedarm's own environment must not shine through.
    hidden = ("PYTHONPATH", "VIRTUAL_ENV")
    environment = {key: value for key, value in os.environ.items() if key not in hidden}
    # A planted dataset is read where it lies: an absolute path, and no network.
    done = subprocess.run(
        command,
        input="\n".join(str(folder.resolve()) for folder in folders),
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    # No answer in time is no finding.
    return [json.loads(line) or [] for line in done.stdout.splitlines()]


def _beyond(messages: Found, baseline: Found) -> Found:
    """Return the messages that say something else than those on the clean dataset, numbers apart."""
    known = {_gist(message) for message in baseline}
    return [message for message in messages if _gist(message) not in known]


def _gist(message: Sequence[str]) -> tuple[str, ...]:
    return tuple(re.sub(r"[-+]?\d[\d.e+-]*", "#", part) for part in message)


def _reason(error: OSError | subprocess.CalledProcessError) -> str:
    stderr = getattr(error, "stderr", None)
    return str(stderr).strip().splitlines()[-1] if stderr else str(error)
