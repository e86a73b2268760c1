"""SCAFFOLD's control variates in a client: steps that are corrected for drift."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

Arrays = Mapping[str, NDArray[np.float32]]


class ControlVariate:
    """Adds `c - c_i` to each step's gradient, and makes the next `c_i` from the gradients of the round.

    The next one is the mean of the gradients, weighted by the learning rates of their steps. For SGD it
    is the paper's option II, `c_i - c + (x - y_i) / (K lr)`, to which it reduces when `x - y_i` is
    written out; but it remains a gradient under Adam, whose `x - y_i` is none.

    Gradients are taken as they are after clipping; the correction is not clipped. Weight decay is the
    same for all clients and stays out.

    Args:
        parameters: The trainable parameters, by name.
        server: The server's control variate c, by name; none in the first round, when it is 0.
        own: This client's c_i, by name; none before its first round, when it is 0.

    Source:
        Karimireddy et al. 2020, "SCAFFOLD: Stochastic Controlled Averaging for Federated Learning",
        algorithm 1, lines 10 to 12.
    """

    def __init__(
        self, parameters: Mapping[str, nn.Parameter], *, server: Arrays, own: Arrays
    ) -> None:
        self._parameters = dict(parameters)
        self._own = {name: _tensor(own, name, like) for name, like in parameters.items()}
        self._correction = {
            name: _tensor(server, name, like) - self._own[name] for name, like in parameters.items()
        }
        self._sums = {name: torch.zeros_like(like) for name, like in parameters.items()}
        self._lr_sum = 0.0

    @torch.no_grad()
    def correct(self, lr: float) -> None:
        """Note the gradients of a step with this learning rate, and correct them."""
        self._lr_sum += lr
        for name, parameter in self._parameters.items():
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
            self._sums[name].add_(parameter.grad, alpha=lr)
            parameter.grad.add_(self._correction[name])

    def new_values(self) -> dict[str, NDArray[np.float32]]:
        """Return the next c_i."""
        return {name: (values / self._lr_sum).cpu().numpy() for name, values in self._sums.items()}

    def change(self) -> dict[str, NDArray[np.float32]]:
        """Return the next c_i less this one."""
        new = self.new_values()
        return {name: values - self._own[name].cpu().numpy() for name, values in new.items()}


def _tensor(arrays: Arrays, name: str, like: nn.Parameter) -> Tensor:
    if name not in arrays:
        return torch.zeros_like(like.detach())
    return torch.tensor(arrays[name], device=like.device)
