"""The proximal term, which holds a client's weights close to the global ones."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn


class ProximalTerm:
    """`mu/2 * sum ||w - w_global||^2` over the trainable parameters, and its gradient.

    The global weights are copied when the term is made, once a round. The gradient, `mu (w - w_global)`,
    is added to the gradients of the loss directly: what automatic differentiation of the sum would give,
    without building its graph each step. The drift `w - w_global` is written into one float32 buffer
    that is kept from step to step, so that its square is a single product and nothing is allocated.

    Args:
        parameters: The trainable parameters, now at the global weights.
        mu: The weight of the term.

    Source:
        Li et al. 2020, "Federated Optimization in Heterogeneous Networks", equation 2.
    """

    def __init__(self, parameters: Sequence[nn.Parameter], mu: float) -> None:
        self._parameters = list(parameters)
        self._global = [parameter.detach().clone() for parameter in parameters]
        self._mu = mu
        sizes = [parameter.numel() for parameter in parameters]
        self._drift = torch.empty(sum(sizes), device=parameters[0].device)
        self._drifts = [
            part.view_as(parameter)
            for part, parameter in zip(torch.split(self._drift, sizes), parameters, strict=True)
        ]

    @torch.no_grad()
    def add_gradient(self) -> float:
        """Add the term's gradient to the parameters' and return the term's value."""
        for parameter, start, drift in zip(
            self._parameters, self._global, self._drifts, strict=True
        ):
            torch.sub(parameter, start, out=drift)
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
            parameter.grad.add_(drift, alpha=self._mu)
        return 0.5 * self._mu * float(self._drift.dot(self._drift))
