"""Digests of what travels: the receiver sees that it has what was sent.

A seal covers each array's name, type, shape and bytes. It tells a damaged message from a good one; who
sent it is the business of TLS and of node authentication.
"""

from __future__ import annotations

import hashlib

from flwr.app import ArrayRecord, ConfigRecord, RecordDict

from fedarm.federated.keys import ARRAYS, CONFIG, SEAL
from fedarm.provenance import canonical_json


def seal(content: RecordDict) -> None:
    """Add the digest of a message's arrays to its configuration; nothing without arrays."""
    if ARRAYS in content.array_records:
        content.config_records.setdefault(CONFIG, ConfigRecord())[SEAL] = digest_arrays(
            content.array_records[ARRAYS]
        )


def is_sealed(content: RecordDict) -> bool:
    """Return whether a message carries the digest of its arrays."""
    return SEAL in content.config_records.get(CONFIG, {})


def is_intact(content: RecordDict) -> bool:
    """Return whether a sealed message's arrays have the digest that it carries."""
    expected = content.config_records[CONFIG][SEAL]
    arrays = content.array_records.get(ARRAYS, ArrayRecord())
    return expected == digest_arrays(arrays)


def digest_arrays(arrays: ArrayRecord) -> str:
    """Return the sha256 (hex, 64 digits) of arrays with their names, types and shapes, in order."""
    sha = hashlib.sha256()
    for name, array in arrays.items():
        sha.update(canonical_json([name, array.dtype, list(array.shape), len(array.data)]).encode())
        sha.update(array.data)
    return sha.hexdigest()
