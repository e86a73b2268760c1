"""Averages and momentum against numbers computed by hand."""

from typing import get_args

import numpy as np
import pytest
from flwr.app import Array, ArrayRecord, ConfigRecord, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp

from fedarm import config
from fedarm.errors import CheckpointError
from fedarm.federated.inprocess import InProcessGrid
from fedarm.federated.keys import ARRAYS, METRICS, NUM_EXAMPLES, PROXIMAL_MU
from fedarm.federated.strategies import STRATEGIES

FEDAVG = config.FedAvgArm(kind="federated", strategy="fedavg")
MOMENTUM = config.FedAvgArm(kind="federated", strategy="fedavg", server_momentum=0.5)


def weights(*values):
    return ArrayRecord({"w": Array(np.array(values, np.float32))})


def values(record):
    return record["w"].numpy().tolist()


def grid_of(*updates):
    """Clients that answer with fixed weights, each with its number of rows."""
    app = ClientApp()

    @app.train()
    def train(message, context):
        array, rows = updates[context.node_config["partition-id"]]
        metrics = MetricRecord({NUM_EXAMPLES: rows})
        return Message(RecordDict({ARRAYS: weights(*array), METRICS: metrics}), reply_to=message)

    return InProcessGrid(app, len(updates))


def play(strategy, start, *updates, round_number=1):
    grid = grid_of(*updates)
    messages = strategy.configure_train(round_number, start, ConfigRecord(), grid)
    return strategy.aggregate_train(round_number, grid.send_and_receive(messages))[0]


def test_configuration_and_registry_name_the_same_strategies():
    arms = get_args(get_args(config.FederatedArm)[0])
    names = {get_args(arm.model_fields["strategy"].annotation)[0] for arm in arms}
    assert names == set(STRATEGIES)


def test_weighted_average_by_hand():
    # 1 row of 4 and 3 rows of 8: (1 * 4 + 3 * 8) / 4 = 7.
    strategy = STRATEGIES["fedavg"](FEDAVG, 2)
    assert values(play(strategy, weights(0.0, 0.0), ([4.0, -2.0], 1), ([8.0, 2.0], 3))) == [
        7.0,
        1.0,
    ]
    assert strategy.state() == {}


def test_one_client_keeps_its_bytes():
    update = np.random.default_rng(0).normal(size=1000).astype(np.float32)
    strategy = STRATEGIES["fedavg"](FEDAVG, 1)
    average = play(strategy, weights(*np.zeros(1000)), (update, 7))
    assert average["w"].numpy().tobytes() == update.tobytes()


def test_momentum_by_hand():
    # Round 1: gradient 0 - 4 = -4, v = -4, w = 0 + 4 = 4.
    # Round 2: gradient 4 - 6 = -2, v = 0.5 * -4 - 2 = -4, w = 4 + 4 = 8.
    strategy = STRATEGIES["fedavg"](MOMENTUM, 2)
    first = play(strategy, weights(0.0), ([2.0], 1), ([6.0], 1))
    assert values(first) == [4.0]
    second = play(strategy, first, ([5.0], 1), ([7.0], 1), round_number=2)
    assert values(second) == [8.0]


def test_restored_momentum_goes_on():
    first = STRATEGIES["fedavg"](MOMENTUM, 1)
    play(first, weights(0.0), ([4.0], 1))
    restored = STRATEGIES["fedavg"](MOMENTUM, 1)
    restored.load_state(first.state())
    assert values(play(restored, weights(4.0), ([6.0], 1), round_number=2)) == [8.0]


@pytest.mark.parametrize(
    ("arm", "state"),
    [
        (MOMENTUM, {"control/0": np.zeros(1, np.float32)}),
        (MOMENTUM, {}),
        (FEDAVG, {"momentum/00000": np.zeros(1, np.float32)}),
    ],
)
def test_state_of_another_strategy_is_refused(arm, state):
    with pytest.raises(CheckpointError, match="not that of this strategy"):
        STRATEGIES["fedavg"](arm, 1).load_state(state)


def test_fedprox_tells_the_clients_mu():
    arm = config.FedProxArm(kind="federated", strategy="fedprox", mu=0.25)
    grid = grid_of(([1.0], 1), ([1.0], 1))
    messages = STRATEGIES["fedprox"](arm, 2).configure_train(3, weights(0.0), ConfigRecord(), grid)
    assert [message.content["config"][PROXIMAL_MU] for message in messages] == [0.25, 0.25]


def test_every_client_is_addressed():
    grid = grid_of(([1.0], 1), ([1.0], 1), ([1.0], 1))
    strategy = STRATEGIES["fedavg"](FEDAVG, 3)
    messages = strategy.configure_train(1, weights(0.0), ConfigRecord(), grid)
    assert sorted(message.metadata.dst_node_id for message in messages) == grid.get_node_ids()
