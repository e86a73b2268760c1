"""Where and how PyTorch computes: the same result each time."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from typing import Literal

import torch


def prepare_torch() -> torch.device:
    """Make PyTorch repeatable and return the device to train on: a GPU if there is one.

    One thread on the CPU: jobs run side by side, a core each, and a second thread slows both (4 to 15
    times, measured, while the other core is busy). The order of sums then does not depend on the machine
    either.
    """
    # cuBLAS is repeatable only with this, and reads it when it is first used.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    # Together with the above PyTorch would fill all new memory with NaN, at 2 % of a step's time.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = False
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def compute_in(
    precision: Literal["float32", "bfloat16"], device: torch.device
) -> AbstractContextManager[object]:
    """Return a context in which forward passes compute in a precision.

    Weights, gradients and optimizer stay in 32 bits, and so do the operations that PyTorch's autocast
    leaves in them (losses, norms, softmax). bfloat16 has the exponents of float32: no loss scaling.
    """
    if precision == "float32":
        return nullcontext()
    return torch.autocast(device.type, dtype=torch.bfloat16)
