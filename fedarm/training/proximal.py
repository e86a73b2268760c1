"""The proximal term, which holds a client's weights close to the global ones."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class ProximalTerm:
    """`mu/2 * sum ||w - w_global||^2` over the trainable parameters, and its gradient.

    The global weights are copied when the term is made, once a round. The gradient, `mu (w - w_global)`,
    is added to the gradients of the loss directly: what automatic differentiation of the sum would give,
    without building its graph each step. The drift `w - w_global` lies in one buffer that is kept from
    step to step: it is taken and squared at once for all parameters, and nothing is allocated.

    Args:
        parameters: The trainable parameters, now at the global weights.
        mu: The weight of the term.

    Source:
        Li et al. 2020, "Federated Optimization in Heterogeneous Networks", equation 2.
    """

    def __init__(self, parameters: Sequence[nn.Parameter], mu: float) -> None:
        self._parameters: list[Tensor] = list(parameters)
        self._global = nn.utils.parameters_to_vector(parameters).detach()
        self._mu = mu
        self._drift = torch.empty_like(self._global)
        sizes = [parameter.numel() for parameter in parameters]
        self._drifts = [
            part.view_as(parameter)
            for part, parameter in zip(torch.split(self._drift, sizes), parameters, strict=True)
        ]

    @torch.no_grad()
    def add_gradient(self) -> float:
        """Add the term's gradient to the parameters' and return the term's value."""
        torch._foreach_copy_(self._drifts, self._parameters)
        self._drift.sub_(self._global)
        torch._foreach_add_(self._gradients(), self._drifts, alpha=self._mu)
        return 0.5 * self._mu * float(self._drift.dot(self._drift))

    def _gradients(self) -> list[Tensor]:
        """Return the parameters' gradients; a parameter that the loss does not reach gets one of 0."""
        for parameter in self._parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        return [parameter.grad for parameter in self._parameters if parameter.grad is not None]
