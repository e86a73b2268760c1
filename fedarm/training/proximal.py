"""The proximal term, which holds a client's weights close to the global ones."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class ProximalTerm:
    """`mu/2 * sum ||w - w_global||^2` over the trainable parameters, and its gradient.

    The global weights are copied when the term is made, once a round. The gradient, `mu (w - w_global)`,
    is added to the gradients of the loss directly: what automatic differentiation of the sum would give,
    without building its graph each step. The parameters are moved into one buffer, and the drift
    `w - w_global` lies in another that is kept from step to step: it is taken and squared for all
    parameters at once, and nothing is allocated.

    Args:
        parameters: The trainable parameters, now at the global weights; their data are moved.
        mu: The weight of the term.

    Source:
        Li et al. 2020, "Federated Optimization in Heterogeneous Networks", equation 2.
    """

    def __init__(self, parameters: Sequence[nn.Parameter], mu: float) -> None:
        self._parameters: list[Tensor] = list(parameters)
        self._weights = nn.utils.parameters_to_vector(parameters).detach()
        for parameter, part in zip(parameters, self._split(self._weights), strict=True):
            parameter.data = part
        self._global = self._weights.clone()
        self._mu = mu
        self._drift = torch.empty_like(self._global)
        self._drifts = self._split(self._drift)

    @torch.no_grad()
    def add_gradient(self) -> float:
        """Add the term's gradient to the parameters' and return the term's value."""
        torch.sub(self._weights, self._global, out=self._drift)
        torch._foreach_add_(self._gradients(), self._drifts, alpha=self._mu)
        return 0.5 * self._mu * float(self._drift.dot(self._drift))

    def _split(self, vector: Tensor) -> list[Tensor]:
        """Return the parts of a vector that are the parameters', each in its parameter's shape."""
        parts = torch.split(vector, [parameter.numel() for parameter in self._parameters])
        return [
            part.view_as(parameter) for part, parameter in zip(parts, self._parameters, strict=True)
        ]

    def _gradients(self) -> list[Tensor]:
        """Return the parameters' gradients; a parameter that the loss does not reach gets one of 0."""
        for parameter in self._parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        return [parameter.grad for parameter in self._parameters if parameter.grad is not None]
