from __future__ import annotations

import numpy as np
import pytest
from flwr.app import Array

from fedarm.federated.arrays import packed, view

LAYOUTS = {
    "matrix": np.arange(6, dtype=np.float32).reshape(2, 3),
    "transposed": np.arange(6, dtype=np.float32).reshape(2, 3).T,
    "number": np.array(3.0, dtype=np.float64),
    "empty": np.empty((0, 4), dtype=np.float32),
    "bits": np.arange(5, dtype=np.uint16),
}


@pytest.mark.parametrize("values", LAYOUTS.values(), ids=LAYOUTS)
def test_flower_reads_what_was_packed(values: np.ndarray) -> None:
    array = packed(values)
    np.testing.assert_array_equal(array.numpy(), values)
    assert (array.dtype, array.shape, array.stype) == (
        str(values.dtype),
        values.shape,
        "numpy.ndarray",
    )


@pytest.mark.parametrize("values", LAYOUTS.values(), ids=LAYOUTS)
def test_what_flower_packed_is_seen_in_place(values: np.ndarray) -> None:
    seen = view(Array(values))
    np.testing.assert_array_equal(seen, values)
    assert seen.dtype == values.dtype
    assert not seen.flags.writeable


def test_packing_gives_flowers_bytes() -> None:
    values = LAYOUTS["matrix"]
    assert packed(values).data == Array(values).data


@pytest.mark.parametrize("data", [b"", b"not an array", b"\x93NUMPY\x02\x00\x00\x00{}"])
def test_bytes_that_are_no_array_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"(?i)magic|format"):
        view(Array("float32", (1,), "numpy.ndarray", data))
