"""Where PyTorch computes: never on a CPU in silence when there should be a GPU."""

import pytest
import torch

from fedarm.errors import MachineError
from fedarm.gpus import VISIBLE
from fedarm.training.device import prepare_torch


@pytest.mark.parametrize("visible", ["", "-1", None])
def test_without_a_gpu_the_cpu_computes(monkeypatch, visible):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.delenv(VISIBLE, raising=False)
    if visible is not None:
        monkeypatch.setenv(VISIBLE, visible)
    assert prepare_torch() == torch.device("cpu")


def test_a_gpu_that_pytorch_cannot_use_is_an_error(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setenv(VISIBLE, "GPU-a")
    with pytest.raises(MachineError, match=r"GPU-a(.|\n)*nvidia-smi"):
        prepare_torch()


def test_a_gpu_that_pytorch_can_use_is_used(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setenv(VISIBLE, "GPU-a")
    assert prepare_torch() == torch.device("cuda")
