"""Where and how PyTorch computes: the same result each time."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from typing import Literal

import torch

from fedarm.errors import MachineError
from fedarm.gpus import VISIBLE, usable_gpus


def prepare_torch() -> torch.device:
    """Make PyTorch repeatable and return the device to train on: a GPU if there is one.

    One thread on the CPU: jobs run side by side, a core each, and a second thread slows both (4 to 15
    times, measured, while the other core is busy). The order of sums then does not depend on the machine
    either.

    Raises:
        MachineError: There should be a GPU, and PyTorch cannot use it.
    """
    # cuBLAS is repeatable only with this, and reads it when it is first used.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_num_threads(1)
    # As `use_deterministic_algorithms(True)`, which would import the compiler to tell it, too.
    torch.set_deterministic_debug_mode("error")
    # Together with the above PyTorch would fill all new memory with NaN, at 2 % of a step's time.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = False
    return _device()


def _device() -> torch.device:
    if torch.cuda.is_available():
        return torch.device("cuda")
    # Days on a CPU that nobody has asked for would be the worse surprise.
    if VISIBLE in os.environ and usable_gpus():
        raise MachineError(
            "PyTorch cannot use the GPU that this job was given",
            key=VISIBLE,
            value=os.environ[VISIBLE],
            remedy="see what nvidia-smi says of the driver, and whether PyTorch was built for it"
            f" (torch {torch.__version__}); an empty {VISIBLE} computes on the CPU",
        )
    return torch.device("cpu")


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
