"""How arrays travel: as they are, or as bfloat16, which halves the bytes of an exchange.

NumPy, and so Flower, has no bfloat16: its bits travel as 16-bit unsigned integers, a type that nothing
else here has. Arrays are turned just before they leave and just after they come; strategies and
optimizers only ever see 32 bits.
"""

from __future__ import annotations

import numpy as np
import torch
from flwr.app import Array, ArrayRecord, Message, RecordDict

from fedarm.federated.arrays import packed, record_of, view
from fedarm.federated.contents import all_of
from fedarm.federated.keys import ARRAYS, STEPS


def to_wire(record: ArrayRecord, dtype: str) -> ArrayRecord:
    """Return arrays as they travel.

    An optimizer's counts of steps are left as they are: rounding would change them.

    Args:
        record: The arrays.
        dtype: `float32` or `bfloat16`.
    """
    if dtype == "float32":
        return record
    return record_of(
        (name, array if name == STEPS else _to_bits(array)) for name, array in record.items()
    )


def from_wire(record: ArrayRecord) -> ArrayRecord:
    """Return arrays as they are worked with, whichever way they came."""
    if not any(array.dtype == "uint16" for array in record.values()):
        return record
    return record_of((name, _from_bits(array)) for name, array in record.items())


def wired(message: Message, dtype: str) -> Message:
    """Return a message to a client with its arrays as they travel."""
    if dtype == "float32" or ARRAYS not in message.content:
        return message
    content = RecordDict(
        {
            key: to_wire(value, dtype) if isinstance(value, ArrayRecord) else value
            for key, value in message.content.items()
        }
    )
    metadata = message.metadata
    return Message(content, metadata.dst_node_id, metadata.message_type, group_id=metadata.group_id)


def unwire(reply: Message) -> None:
    """Turn the arrays of a client's reply back, in place."""
    if reply.has_content():
        for key, record in all_of(reply.content, ArrayRecord).items():
            reply.content[key] = from_wire(record)


def _to_bits(array: Array) -> Array:
    values = view(array)
    if values.dtype != np.float32:
        return array
    # Rounded to the nearest, ties to even.
    return packed(torch.tensor(values).to(torch.bfloat16).view(torch.uint16).numpy())


def _from_bits(array: Array) -> Array:
    if array.dtype != "uint16":
        return array
    bits = torch.tensor(view(array))
    return packed(bits.view(torch.bfloat16).to(torch.float32).numpy())
