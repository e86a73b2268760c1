"""What the hub's client raises, said so that a user can mend it; and when it is worth asking again."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Iterator

from fedarm.errors import DataError, FedarmError, MachineError
from fedarm.logging import get_logger

ATTEMPTS = 5
_FIRST_WAIT_S = 1.0
_LONGEST_WAIT_S = 300.0
_TRANSIENT_CODES = frozenset({408, 425, 429, 500, 502, 503, 504})
_FULL_DISK = frozenset({errno.ENOSPC, errno.EDQUOT})
_FORBIDDEN_DISK = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


def ask_hub[T](question: Callable[[], T], *, repo_id: str, revision: str) -> T:
    """Return what the hub answers; what passes by itself is waited for, the rest is explained.

    Raises:
        DataError: There is no such repository, revision or file, or no right to read it.
        MachineError: The hub cannot be reached, is overloaded, or the disk is full.
    """
    wait_s = _FIRST_WAIT_S
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return question()
        except FedarmError:
            raise
        # The client raises its own errors, those of its transport, and those of the disk.
        except Exception as error:
            asked_s = _retry_after_s(error)
            patient = asked_s is None or asked_s <= _LONGEST_WAIT_S
            if attempt == ATTEMPTS or not _is_transient(error) or not patient:
                raise explain(error, repo_id=repo_id, revision=revision) from error
            pause_s = wait_s if asked_s is None else asked_s
            get_logger(__name__).warning(
                f"{repo_id}: {_summary(error)}; attempt {attempt} of {ATTEMPTS}, the next in"
                f" {pause_s:.0f} s"
            )
            time.sleep(pause_s)
            wait_s = min(2 * wait_s, _LONGEST_WAIT_S)
    raise AssertionError("unreachable")


def explain(error: Exception, *, repo_id: str, revision: str) -> FedarmError | Exception:
    """Return an error of the hub's client as one with its file, key, value and remedy.

    What is none of the hub's or the machine's doing is returned as it is.
    """
    return (
        _explain_disk(error)
        or _explain_access(error, repo_id)
        or _explain_absence(error, repo_id, revision)
        or _explain_network(error, repo_id)
        or error
    )


def _explain_disk(error: Exception) -> MachineError | None:
    from huggingface_hub import constants

    for cause in _causes(error):
        number = cause.errno if isinstance(cause, OSError) else None
        if number in _FULL_DISK | _FORBIDDEN_DISK:
            return MachineError(
                "the disk is full" if number in _FULL_DISK else "the cache cannot be written",
                file=getattr(cause, "filename", None) or constants.HF_HUB_CACHE,
                key="HF_HOME",
                value=constants.HF_HOME,
                remedy="free some space, or set HF_HOME to a folder that you may write; what is whole"
                " is kept and not downloaded again",
            )
    return None


def _explain_access(error: Exception, repo_id: str) -> DataError | None:
    from huggingface_hub import constants
    from huggingface_hub.errors import DisabledRepoError, GatedRepoError

    page = f"{constants.ENDPOINT}/datasets/{repo_id}"
    token = "set HF_TOKEN, or log in with `hf auth login`"
    for cause in _causes(error):
        if isinstance(cause, GatedRepoError):
            return DataError(
                "the repository is gated: its owner asks for consent before one may read it",
                file=page,
                key="repo_id",
                value=repo_id,
                remedy=f"accept the terms on that page, then {token}",
            )
        if isinstance(cause, DisabledRepoError):
            return DataError(
                "the hub has disabled the repository",
                file=page,
                key="repo_id",
                value=repo_id,
                remedy="use another repository",
            )
        if _status(cause) in {401, 403} and not _is_missing(cause):
            return DataError(
                f"the hub refuses access ({_status(cause)})",
                file=page,
                key="HF_TOKEN",
                value="set, but not accepted" if _has_token() else "not set",
                remedy=f"{token}: a token that may read this repository and has not expired",
            )
    return None


def _explain_absence(error: Exception, repo_id: str, revision: str) -> DataError | None:
    from huggingface_hub import constants
    from huggingface_hub.errors import RemoteEntryNotFoundError, RevisionNotFoundError

    page = f"{constants.ENDPOINT}/datasets/{repo_id}"
    for cause in _causes(error):
        if isinstance(cause, RevisionNotFoundError):
            return DataError(
                "the repository has no such revision",
                file=page,
                key="revision",
                value=revision,
                remedy="take a commit, tag or branch of the repository's history",
            )
        if _is_missing(cause):
            return DataError(
                "there is no such dataset on the hub, or it is private",
                file=page,
                key="repo_id",
                value=repo_id,
                remedy="mend the name, or set HF_TOKEN to a token that may read it",
            )
        if isinstance(cause, RemoteEntryNotFoundError):
            return DataError(
                f"the repository lacks a file that its listing names: {_summary(cause)}",
                file=page,
                key="revision",
                value=revision,
                remedy="try again; if it stays so, the repository is broken: take another revision",
            )
    return None


def _explain_network(error: Exception, repo_id: str) -> FedarmError | None:
    from huggingface_hub import constants
    from huggingface_hub.errors import LocalEntryNotFoundError, OfflineModeIsEnabled

    if any(isinstance(c, OfflineModeIsEnabled | LocalEntryNotFoundError) for c in _causes(error)):
        offline = constants.is_offline_mode()
        if offline or not _is_transient(error):
            return not_cached(repo_id)
    if _is_transient(error):
        return MachineError(
            f"the hub cannot be reached or does not answer: {_summary(error)}",
            file=constants.ENDPOINT,
            key="repo_id",
            value=repo_id,
            remedy="try again later: what is whole is kept; behind a proxy or mirror set HTTPS_PROXY"
            " or HF_ENDPOINT",
        )
    return None


def not_cached(repo_id: str) -> DataError:
    """Return the error of a dataset that is wanted offline and is not in the cache, or not whole."""
    from huggingface_hub import constants

    return DataError(
        "offline, and the dataset is not in the cache, or not all of it",
        file=constants.HF_HUB_CACHE,
        key="repo_id",
        value=repo_id,
        remedy="run once with a network (unset HF_HUB_OFFLINE), or point HF_HOME at a cache that has it",
    )


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and what it was raised from: the client wraps what it gives up on."""
    while error is not None:
        yield error
        error = error.__cause__


def _is_transient(error: Exception) -> bool:
    import httpx
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    causes = list(_causes(error))
    if any(isinstance(cause, OfflineModeIsEnabled) for cause in causes):
        return False
    codes = [code for cause in causes if (code := _status(cause)) is not None]
    if codes:
        return all(code in _TRANSIENT_CODES for code in codes)
    # A file shorter or longer than the hub said is a plain OSError without a number.
    return any(
        isinstance(cause, httpx.TransportError)
        or (
            isinstance(cause, OSError) and not isinstance(cause, HfHubHTTPError | FileNotFoundError)
        )
        for cause in causes
    )


def _is_missing(error: BaseException) -> bool:
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    return isinstance(error, RepositoryNotFoundError) and not isinstance(error, GatedRepoError)


def _status(error: BaseException) -> int | None:
    from huggingface_hub.errors import HfHubHTTPError

    return error.response.status_code if isinstance(error, HfHubHTTPError) else None


def _retry_after_s(error: Exception) -> float | None:
    """Return the seconds that the hub asks to wait, if it does; a date instead is not understood."""
    from huggingface_hub.errors import HfHubHTTPError

    for cause in _causes(error):
        if isinstance(cause, HfHubHTTPError):
            value = cause.response.headers.get("Retry-After", "")
            return float(value) if value.strip().isdigit() else None
    return None


def _has_token() -> bool:
    from huggingface_hub import get_token

    return get_token() is not None


def _summary(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
