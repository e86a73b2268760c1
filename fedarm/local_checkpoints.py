"""Base checkpoints in folders, as far as planning needs them: their content tells two apart.

Weights are large, and every planning asks for their digest, also that of each job on a cluster. So the
digest of a large file is kept in the cache folder until its date, its size or its place on the disk
changes.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from fedarm.config_training import Base, CheckpointBase
from fedarm.errors import ConfigError, ResultsError
from fedarm.logging import get_logger
from fedarm.paths import cache_folder, write_json
from fedarm.provenance import digest_file, digest_value

_REQUIRED = ("config.json", "model.safetensors")
# What LeRobot loads a policy from; anything else in the folder is none of it.
_LOADED = {".json", ".safetensors"}
_KEPT_FROM_BYTES = 10_000_000


def digest_local_base(base: Base, *, source: str) -> str | None:
    """Return the digest of the checkpoint in a folder that an experiment starts from.

    Args:
        base: How the base policy comes about.
        source: What to call the configuration in messages.

    Returns:
        The digest of the names and contents of the checkpoint's files, wherever they lie and whenever
        they were touched; None for any other base.

    Raises:
        ConfigError: There is no checkpoint in the folder.
    """
    if not isinstance(base, CheckpointBase) or base.path is None:
        return None
    folder = Path(base.path)
    missing = [name for name in _REQUIRED if not (folder / name).is_file()]
    if missing:
        raise ConfigError(
            f"not a checkpoint: no {missing[0]}" if folder.is_dir() else "no such folder",
            file=source,
            key="base.path",
            value=base.path,
            remedy=f"give the `pretrained_model` folder that holds {' and '.join(_REQUIRED)}",
        )
    files = sorted(file for file in folder.iterdir() if file.suffix in _LOADED and file.is_file())
    return digest_value([[file.name, _digest(file)] for file in files])


def _digest(file: Path) -> str:
    """Return the digest of a file; that of a large one is kept."""
    status = file.stat()
    if status.st_size < _KEPT_FROM_BYTES:
        return digest_file(file)
    # A changed file has another time of change even where its date was set back to the former one.
    state = [status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns]
    path = os.path.realpath(file)
    kept = cache_folder() / "checkpoint_digests.json"
    known = _read_kept(kept)
    if path in known and known[path]["state"] == state:
        return str(known[path]["digest"])
    digest = digest_file(file)
    try:
        write_json(kept, {**known, path: {"state": state, "digest": digest}})
    except ResultsError as error:
        get_logger(__name__).info("the digest of %s is not kept: %s", file, error)
    return digest


def _read_kept(file: Path) -> dict[str, dict[str, Any]]:
    """Return what is known of files by their path: what they were like, and their digest."""
    try:
        known: dict[str, dict[str, Any]] = json.loads(file.read_bytes())
    except (OSError, ValueError):
        # None yet, or one that a full disk has left: the digest is taken anew.
        return {}
    return known
