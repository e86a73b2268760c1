"""Digests of what travels: the receiver sees that it has what was sent.

A seal covers each array's name, type, shape and bytes. It tells a damaged message from a good one; who
sent it is the business of TLS and of node authentication.
"""

from __future__ import annotations

import hashlib

from flwr.app import ArrayRecord, ConfigRecord, RecordDict

from fedarm.federated.contents import arrays_in, config_in, extend_config
from fedarm.federated.keys import ARRAYS, SEAL
from fedarm.provenance import canonical_json


def seal(content: RecordDict) -> None:
    """Add the digest of a message's arrays to its configuration; nothing without arrays."""
    if ARRAYS in content:
        extend_config(content, ConfigRecord({SEAL: digest_arrays(arrays_in(content))}))


def is_sealed(content: RecordDict) -> bool:
    """Return whether a message carries the digest of its arrays."""
    return SEAL in config_in(content)


def is_intact(content: RecordDict) -> bool:
    """Return whether a sealed message's arrays have the digest that it carries."""
    return config_in(content)[SEAL] == digest_arrays(arrays_in(content))


def digest_arrays(arrays: ArrayRecord) -> str:
    """Return the sha256 (hex, 64 digits) of arrays with their names, types and shapes, in order."""
    sha = hashlib.sha256()
    for name, array in arrays.items():
        sha.update(canonical_json([name, array.dtype, list(array.shape), len(array.data)]).encode())
        sha.update(array.data)
    return sha.hexdigest()
