"""Strategies on quadratic problems whose optimum is known in closed form.

Client i has `f_i(w) = a_i / 2 (w - b_i)^2`; the optimum of the sum is `sum a_i b_i / sum a_i`. With many
local steps FedAvg stops elsewhere, at the fixed point of the averaged local maps; SCAFFOLD does not.
"""

import numpy as np
import pytest
import torch
from flwr.app import Array, ArrayRecord

from fedarm.training.control_variate import ControlVariate
from tests.unit.federated.strategies.test_strategies import arrays, make, play, values

CURVATURE = (1.0, 4.0)
TARGET = (0.0, 1.0)
OPTIMUM = 4.0 / 5.0
STEPS, LR = 10, 0.05


def local(w):
    """Where both clients end from w after plain gradient steps."""
    keep = [(1 - LR * a) ** STEPS for a in CURVATURE]
    return [[b + k * (w - b)] for k, b in zip(keep, TARGET, strict=True)]


def converge(strategy, rounds):
    w = 0.0
    for number in range(1, rounds + 1):
        new, _ = play(strategy, arrays(w=[w]), *local(w), round_number=number)
        w = values(new)[0]
    return w


# Where averaging local maps comes to rest: sum (1 - k_i) b_i / sum (1 - k_i).
GAINS = [1 - (1 - LR * a) ** STEPS for a in CURVATURE]
RESTS = GAINS[1] / sum(GAINS)


@pytest.mark.parametrize(
    ("name", "parameters", "rounds"),
    [
        ("fedavg", {}, 60),
        ("fedavgm", {"server_momentum": 0.5}, 60),
        ("fedadam", {"server_lr": 0.02, "tau": 0.1}, 400),
        ("fedyogi", {"server_lr": 0.02, "tau": 0.1}, 400),
    ],
)
def test_averages_come_to_rest_off_the_optimum(name, parameters, rounds):
    assert abs(RESTS - OPTIMUM) > 0.1
    assert converge(make(name, (1, 1), **parameters), rounds) == pytest.approx(RESTS, abs=2e-3)


def scaffold_client(w, c, own, place):
    parameter = torch.nn.Parameter(torch.tensor([w]))
    control = ControlVariate({"w": parameter}, server={"w": np.float32([c])}, own=own)
    optimizer = torch.optim.SGD([parameter], LR)
    for _ in range(STEPS):
        parameter.grad = CURVATURE[place] * (parameter.detach() - TARGET[place])
        control.correct(LR)
        optimizer.step()
    return parameter.item(), control


def test_scaffold_reaches_the_optimum_and_is_option_two():
    strategy = make("scaffold", (1, 1))
    w, c, own = 0.0, 0.0, [{}, {}]
    for number in range(1, 61):
        ends, updates = [], []
        for place in (0, 1):
            end, control = scaffold_client(w, c, own[place], place)
            before = own[place].get("w", np.zeros(1, np.float32))
            # Option II: c_i - c + (x - y_i) / (K lr).
            expected = before - c + (w - end) / (STEPS * LR)
            np.testing.assert_allclose(control.new_values()["w"], expected, atol=1e-5)
            change = control.change()["w"]
            own[place] = control.new_values()
            ends.append(end)
            updates.append(ArrayRecord({"w": Array(np.float32([end])), "control/w": Array(change)}))
        new, _ = play(strategy, arrays(w=[w]), *updates, round_number=number)
        w, c = values(new)[0], float(strategy.state()["control/w"][0])
        # c stays the mean of the c_i.
        assert c == pytest.approx(np.mean([values["w"] for values in own]), abs=1e-5)
    assert w == pytest.approx(OPTIMUM, abs=1e-3)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("trimmed_mean", {"hostile": 1}), ("krum", {"hostile": 1})],
)
def test_a_hostile_client_does_not_move_robust_strategies(name, parameters):
    w = 0.0
    for number in range(1, 41):
        honest = [[1.0 + 0.5 * (w - 1.0) + 0.01 * place] for place in range(4)]
        new, _ = play(
            make(name, (1,) * 5, **parameters), arrays(w=[w]), *honest, [-1e6], round_number=number
        )
        w = values(new)[0]
    assert w == pytest.approx(1.0, abs=0.07)
