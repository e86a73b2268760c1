"""Arrays of a message: read where they lie, and written with one copy."""

from __future__ import annotations

import math
from io import BytesIO
from typing import Any

import numpy as np
from flwr.app import Array
from numpy.lib import format as npy
from numpy.typing import NDArray


def view(array: Array) -> NDArray[Any]:
    """Return a message's array as numpy sees it, read-only and without a copy.

    Flower's own `Array.numpy` reads the bytes piece by piece into new memory, which takes longer than
    adding them up.

    Args:
        array: An array as Flower serialises it: numpy's file format, version 1.

    Raises:
        ValueError: The bytes are not those of one array of numbers.
    """
    # Shares the bytes until something is written, which nothing does.
    file = BytesIO(array.data)
    if npy.read_magic(file) != (1, 0):  # type: ignore[no-untyped-call]
        raise ValueError("the array is not in numpy's file format, version 1.0")
    shape, fortran_order, dtype = npy.read_array_header_1_0(file)  # type: ignore[no-untyped-call]
    if dtype.hasobject:
        raise ValueError("an array of Python objects is refused")
    flat = np.frombuffer(array.data, dtype, count=math.prod(shape), offset=file.tell())
    return flat.reshape(shape, order="F" if fortran_order else "C")


def packed(values: NDArray[Any]) -> Array:
    """Return an array as Flower serialises it, with one copy where Flower's own way makes three."""
    values = np.asarray(values, order="C")
    header = BytesIO()
    layout = npy.header_data_from_array_1_0(values)  # type: ignore[no-untyped-call]
    npy.write_array_header_1_0(header, layout)  # type: ignore[no-untyped-call]
    data = b"".join((header.getvalue(), values.reshape(-1).view(np.uint8).data))
    return Array(str(values.dtype), tuple(values.shape), "numpy.ndarray", data)
