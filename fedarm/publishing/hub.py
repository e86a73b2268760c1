"""Repositories on the Hugging Face hub: made private unless told otherwise, and filled in one commit."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from fedarm.errors import ConfigError, FedarmError, MachineError

if TYPE_CHECKING:
    from huggingface_hub import HfApi

_CARD = "README.md"


@dataclass(frozen=True)
class Upload:
    """What becomes a repository.

    Attributes:
        repo_id: `owner/name`.
        kind: What the hub calls it.
        folder: The files.
        card: The repository's page.
        tag: A tag that the commit gets; LeRobot looks for one with a dataset's format version.
    """

    repo_id: str
    kind: Literal["model", "dataset"]
    folder: Path
    card: str
    tag: str | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """The files, without one that the page takes the place of."""
        found = (path for path in sorted(self.folder.rglob("*")) if path.is_file())
        return tuple(path for path in found if path.relative_to(self.folder).as_posix() != _CARD)

    @property
    def total_bytes(self) -> int:
        """What is uploaded at most: the hub takes no file that it has already."""
        return sum(path.stat().st_size for path in self.files)


def push(upload: Upload, *, public: bool) -> str:
    """Create a repository if there is none, and bring it up to date; return its address.

    Args:
        upload: What becomes of it.
        public: Whether everybody may see it.

    Raises:
        ConfigError: It exists and is public, which was not asked for, or its owner is not the token's.
        MachineError: There is no token, it is not accepted, or the hub cannot be reached.
    """
    from huggingface_hub import CommitOperationAdd, HfApi, get_token

    if get_token() is None:
        raise _no_token("not set")
    api = HfApi(library_name="fedarm")
    _ask(upload, lambda: _require_hidden(api, upload, public=public))
    url = _ask(
        upload,
        lambda: api.create_repo(
            upload.repo_id, repo_type=upload.kind, private=not public, exist_ok=True
        ),
    )
    additions = [CommitOperationAdd(_CARD, upload.card.encode())] + [
        CommitOperationAdd(path.relative_to(upload.folder).as_posix(), path)
        for path in upload.files
    ]
    _ask(
        upload,
        lambda: api.create_commit(
            upload.repo_id,
            operations=additions,
            commit_message="Upload with fedarm",
            repo_type=upload.kind,
        ),
    )
    if upload.tag is not None:
        _ask(upload, lambda: _move_tag(api, upload, str(upload.tag)))
    return str(url)


def _move_tag(api: HfApi, upload: Upload, tag: str) -> None:
    """Let a tag name the newest commit; the hub leaves one that exists where it is."""
    from huggingface_hub.errors import RevisionNotFoundError

    with suppress(RevisionNotFoundError):
        api.delete_tag(upload.repo_id, tag=tag, repo_type=upload.kind)
    api.create_tag(upload.repo_id, tag=tag, repo_type=upload.kind)


def _require_hidden(api: HfApi, upload: Upload, *, public: bool) -> None:
    """Refuse to fill a repository that everybody sees when that was not asked for."""
    from huggingface_hub.errors import RepositoryNotFoundError

    try:
        found = api.repo_info(upload.repo_id, repo_type=upload.kind)
    except RepositoryNotFoundError:
        return
    if not found.private and not public:
        raise ConfigError(
            "the repository exists and is public",
            key="repository",
            value=upload.repo_id,
            remedy="give --public to add to it, or make it private on the hub",
        )


def _ask[T](upload: Upload, question: Callable[[], T]) -> T:
    """Return what the hub answers; what it refuses is explained."""
    import httpx
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    try:
        return question()
    except (HfHubHTTPError, OfflineModeIsEnabled, httpx.TransportError) as error:
        raise _explain(error, upload) from error


def _explain(error: Exception, upload: Upload) -> FedarmError:
    from huggingface_hub import constants
    from huggingface_hub.errors import HfHubHTTPError

    status = error.response.status_code if isinstance(error, HfHubHTTPError) else None
    if status == 401:
        return _no_token("set, but not accepted")
    if status == 403:
        return ConfigError(
            f"the token may not write there: {_first_line(error)}",
            key="--owner",
            value=upload.repo_id.partition("/")[0],
            remedy="give your own name or that of an organisation in which you may write, and a token"
            " with the right to write",
        )
    return MachineError(
        f"the hub cannot be reached or does not take it: {_first_line(error)}",
        file=constants.ENDPOINT,
        key="repository",
        value=upload.repo_id,
        remedy="try again: what is there already is not uploaded twice; without a network unset"
        " HF_HUB_OFFLINE or push from another machine",
    )


def _no_token(value: str) -> MachineError:
    from huggingface_hub import constants

    return MachineError(
        "pushing needs a token of the hub that may write",
        key="HF_TOKEN",
        value=value,
        remedy=f"make one at {constants.ENDPOINT}/settings/tokens, then run `hf auth login` or set"
        " HF_TOKEN",
    )


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
