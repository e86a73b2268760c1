"""What can be wrong with a client's reply.

Checked before anything is done with it: an update that is damaged, not finite or of another shape never
enters an average.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from flwr.app import ArrayRecord, Message, MetricRecord
from numpy.typing import NDArray

from fedarm.federated.arrays import view
from fedarm.federated.contents import all_of, arrays_in, metrics_in
from fedarm.federated.keys import ARRAYS, NUM_EXAMPLES, STEPS
from fedarm.federated.records import is_weight, number_in, parameter_of
from fedarm.federated.seal import is_intact, is_sealed
from fedarm.federated.wire import unwire

SEE_LOG = (
    "see the client's log, mend the cause and start the run again: it goes on from its last round"
)
_LOWER_LR = "lower `training.lr` or `training.grad_clip_norm`, or check the client's data"
_SAME_VERSION = "give every client the version of fedarm and the checkpoint that the server has"
# Numbers checked one by one at a time, so that the check needs no memory of the update's size.
_SLICE = 1 << 17


@dataclass(frozen=True)
class Fault:
    """Why a reply cannot be used.

    Attributes:
        reason: `no reply`, `failed`, `damaged`, `not finite`, `wrong shape` or `wrong rows`.
        what: The same as a verb: "answered with NaN or infinity".
        detail: What the client said, or which array it is.
        remedy: What the user can do about it.
    """

    reason: str
    what: str
    detail: str
    remedy: str


Check = Callable[[Message], Fault | None]


def fault_in(reply: Message | None, check: Check) -> Fault | None:
    """Return what is wrong with a reply, None if it can be used; its arrays are then in 32 bits.

    Args:
        reply: The reply; None if it has not come.
        check: A further check, made of a reply that is whole and finite.
    """
    if reply is None:
        return Fault("no reply", "did not answer", "", SEE_LOG)
    if reply.has_error():
        return Fault("failed", "failed", str(reply.error.reason), SEE_LOG)
    if is_sealed(reply.content) and not is_intact(reply.content):
        return Fault("damaged", "answered with arrays of another digest", ARRAYS, SEE_LOG)
    # The digest is of the arrays as they travelled; everything else is asked of numbers in 32 bits.
    unwire(reply)
    return _not_finite(reply) or check(reply)


def same_update(sent: ArrayRecord, *, rows: Mapping[int, int]) -> Check:
    """Return a check that an update has the shapes of what was sent, and its client's number of rows.

    Args:
        sent: The global weights, perhaps with other arrays of the same parameters.
        rows: Rows by node id, as each client has said at the start.
    """
    shapes = {name: tuple(array.shape) for name, array in sent.items() if is_weight(name)}

    def check(reply: Message) -> Fault | None:
        update = arrays_in(reply.content)
        missing = next((name for name in shapes if name not in update), None)
        with_moments = {
            parameter_of(name) for name in update if not is_weight(name) and name != STEPS
        }
        for name in [missing] if missing else update:
            # Adam counts its steps in one number a parameter.
            fits = (len(with_moments),) if name == STEPS else shapes.get(parameter_of(name))
            if name == missing or tuple(view(update[name]).shape) != fits:
                return Fault("wrong shape", "answered with a wrong shape", name, _SAME_VERSION)
        said = number_in(metrics_in(reply.content), NUM_EXAMPLES)
        if said != rows[reply.metadata.src_node_id]:
            return Fault("wrong rows", "answered with another number of rows", str(said), SEE_LOG)
        return None

    return check


def _not_finite(reply: Message) -> Fault | None:
    for metrics in all_of(reply.content, MetricRecord).values():
        for name, value in metrics.items():
            if not np.isfinite(np.asarray(value)).all():
                return _nan(name)
    for arrays in all_of(reply.content, ArrayRecord).values():
        for name, array in arrays.items():
            try:
                values = view(array)
            except ValueError as error:
                return Fault("damaged", f"answered with {error}", name, _SAME_VERSION)
            if not _is_finite(values.reshape(-1)):
                return _nan(name)
    return None


def _nan(name: str) -> Fault:
    return Fault("not finite", "answered with NaN or infinity", name, _LOWER_LR)


def _is_finite(values: NDArray[Any]) -> bool:
    # NaN and infinity times anything are NaN or infinite, and so is any sum with them: one pass, nothing
    # is written, and memory is read at two places at once, which is half as fast again as at one.
    half = len(values) // 2
    product = np.dot(values[:half], values[half : 2 * half])
    if math.isfinite(float(product)) and np.isfinite(values[2 * half :]).all():
        return True
    # Products of large numbers may have overflowed.
    parts = (values[start : start + _SLICE] for start in range(0, len(values), _SLICE))
    return all(bool(np.isfinite(part).all()) for part in parts)
