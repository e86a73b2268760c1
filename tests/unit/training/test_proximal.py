import pytest
import torch
from torch import nn

from fedarm.training.proximal import ProximalTerm


def _parameters() -> list[nn.Parameter]:
    return [nn.Parameter(torch.tensor([1.0, 2.0])), nn.Parameter(torch.tensor([[3.0]]))]


def test_value_and_gradient_of_a_hand_computed_case():
    parameters = _parameters()
    term = ProximalTerm(parameters, mu=0.5)
    with torch.no_grad():
        parameters[0] += torch.tensor([2.0, 0.0])
        parameters[1] -= 1.0
    parameters[0].grad = torch.tensor([10.0, 10.0])
    # mu/2 (2^2 + 0^2 + 1^2) = 1.25; the gradient is mu times (2, 0) and -1.
    assert term.add_gradient() == pytest.approx(1.25)
    assert parameters[0].grad.tolist() == [11.0, 10.0]
    assert parameters[1].grad.tolist() == [[-0.5]]


def test_the_gradient_is_that_of_automatic_differentiation():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 2))
    parameters = list(network.parameters())
    start = [parameter.detach().clone() for parameter in parameters]
    term = ProximalTerm(parameters, mu=0.3)
    with torch.no_grad():
        for parameter in parameters:
            parameter += torch.randn_like(parameter)
    loss = network(torch.randn(5, 4)).square().mean()
    penalty = sum(((p - s) ** 2).sum() for p, s in zip(parameters, start, strict=True))
    expected = torch.autograd.grad(loss + 0.15 * penalty, parameters, retain_graph=True)
    loss.backward()
    value = term.add_gradient()
    assert value == pytest.approx(0.15 * penalty.item(), rel=1e-5)
    for parameter, gradient in zip(parameters, expected, strict=True):
        torch.testing.assert_close(parameter.grad, gradient)


def test_at_the_global_weights_it_is_nothing():
    parameters = _parameters()
    assert ProximalTerm(parameters, mu=1.0).add_gradient() == 0.0
    assert parameters[0].grad.tolist() == [0.0, 0.0]
