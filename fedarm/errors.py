"""What a user did wrong, said so that they can mend it.

Every error that a user can cause derives from `FedarmError`; command-line scripts print its message
without a traceback and exit with `EXIT_USER_ERROR`. Anything else is a defect of fedarm and keeps its
traceback.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

EXIT_USER_ERROR = 2


class FedarmError(Exception):
    """A mistake in the input, with where it is and how to mend it.

    Args:
        message: What is wrong, in one sentence.
        file: The file (or folder) that holds the mistake.
        key: The key, column or feature concerned.
        value: The offending value.
        remedy: What the user can do about it.
    """

    def __init__(
        self,
        message: str,
        *,
        file: object | None = None,
        key: str | None = None,
        value: object | None = None,
        remedy: str | None = None,
    ) -> None:
        parts = [message]
        if file is not None:
            parts.append(f"  file:   {file}")
        if key is not None:
            parts.append(f"  key:    {key}")
        if value is not None:
            parts.append(f"  value:  {value!r}")
        if remedy is not None:
            parts.append(f"  remedy: {remedy}")
        super().__init__("\n".join(parts))
        self.file = file


class ConfigError(FedarmError):
    """The experiment's configuration is wrong."""


class DataError(FedarmError):
    """A dataset is missing, broken, or not what it says it is."""


class CheckpointError(FedarmError):
    """A policy checkpoint is missing, broken, or of another architecture."""


class VideoError(FedarmError):
    """A video cannot be read or written."""


class ResultsError(FedarmError):
    """Results of an earlier stage are missing, contradictory, or cannot be written."""


class MachineError(FedarmError):
    """This machine lacks something, for example a graphics library."""


def suggest(value: str, known: Iterable[str]) -> str:
    """Return a remedy that names the closest known word and lists all of them."""
    words = sorted(known)
    close = get_close_matches(value, words, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return f"{hint}known: {', '.join(words) or 'none'}"
