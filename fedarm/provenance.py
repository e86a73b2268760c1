"""Digests and seeds: what makes a result traceable and repeatable.

- `digest_*`: short, stable names for settings and files; `fedarm.code_digest` has those of code.
- `derive_seed`: one integer for each (experiment seed, purpose, parts), so that no two draws share a
  stream and none depends on the arm.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

VERSION_DIGITS = 12
_HASH_CHUNK_BYTES = 1 << 20


def canonical_json(value: Any) -> str:
    """Return `value` as JSON with sorted keys and no optional white space."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest_value(value: Any) -> str:
    """Return the sha256 (hex, 64 digits) of a JSON-serialisable value."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def digest_file(path: Path) -> str:
    """Return the sha256 (hex, 64 digits) of a file's bytes."""
    sha = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_HASH_CHUNK_BYTES):
            sha.update(chunk)
    return sha.hexdigest()


def digest_folder(folder: Path, *, exclude: Iterable[str] = ()) -> dict[str, str]:
    """Return `{relative posix path: sha256}` of all files below `folder`, sorted by path.

    Args:
        folder: The folder to read.
        exclude: Names (of a file or folder at any depth) to leave out.
    """
    left_out = set(exclude)
    files = sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and not left_out.intersection(path.relative_to(folder).parts)
    )
    return {path.relative_to(folder).as_posix(): digest_file(path) for path in files}


def derive_seed(root_seed: int, purpose: str, *parts: str | int) -> int:
    """Return a 63-bit seed for one purpose, independent of every other purpose.

    Args:
        root_seed: The experiment's seed.
        purpose: What the draws are for, for example "batches" or "initial_condition".
        *parts: What tells draws of one purpose apart: run seed, client, round, episode.
    """
    payload = canonical_json([root_seed, purpose, list(parts)])
    return int.from_bytes(hashlib.sha256(payload.encode()).digest()[:8], "big") >> 1
