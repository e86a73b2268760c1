"""Each strategy against numbers computed by hand, two clients at a time."""

from typing import get_args

import numpy as np
import pytest
from flwr.app import Array, ArrayRecord, ConfigRecord, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp

from fedarm import config_arms
from fedarm.errors import CheckpointError, ConfigError
from fedarm.federated.inprocess import InProcessGrid
from fedarm.federated.keys import ACCEPTED_ROUND, ARRAYS, METRICS, NUM_EXAMPLES, PROXIMAL_MU
from fedarm.federated.strategies import STRATEGIES
from fedarm.federated.strategies.krum import best

ARMS = {
    get_args(arm.model_fields["strategy"].annotation)[0]: arm
    for arm in get_args(get_args(config_arms.FederatedArm)[0])
}


def make(name, rows, **parameters):
    arm = ARMS[name](kind="federated", strategy=name, **parameters)
    return STRATEGIES[name](arm, rows)


def arrays(**values):
    return ArrayRecord(
        {name.replace("__", "/"): Array(np.array(v, np.float32)) for name, v in values.items()}
    )


def values(record, name="w"):
    return record[name].numpy().tolist()


def play(strategy, start, *updates, rows=None, round_number=1, away=()):
    """Hold one round with clients that answer with fixed arrays; return new ones and what was sent."""
    rows = rows or [1] * len(updates)
    app = ClientApp()

    @app.train()
    def train(message, context):
        place = context.node_config["partition-id"]
        update = (
            updates[place] if isinstance(updates[place], ArrayRecord) else arrays(w=updates[place])
        )
        metrics = MetricRecord({NUM_EXAMPLES: rows[place]})
        return Message(RecordDict({ARRAYS: update, METRICS: metrics}), reply_to=message)

    grid = InProcessGrid(app, len(updates))
    strategy.meet(grid.get_node_ids())
    sent = list(strategy.configure_train(round_number, start, ConfigRecord(), grid))
    asked = [message for place, message in enumerate(sent) if place not in away]
    return strategy.aggregate_train(round_number, grid.send_and_receive(asked))[0], sent


def test_configuration_and_registry_name_the_same_strategies():
    assert set(ARMS) == set(STRATEGIES)


def test_every_client_is_addressed_in_client_order():
    _, sent = play(make("fedavg", (1, 1, 1)), arrays(w=[0.0]), [1.0], [1.0], [1.0])
    nodes = [message.metadata.dst_node_id for message in sent]
    assert nodes == sorted(nodes)
    assert len(nodes) == 3


def test_weighted_average_by_hand():
    # 1 row of 4 and 3 rows of 8: (1 * 4 + 3 * 8) / 4 = 7.
    strategy = make("fedavg", (1, 3))
    new, _ = play(strategy, arrays(w=[0.0, 0.0]), [4.0, -2.0], [8.0, 2.0], rows=[1, 3])
    assert values(new) == [7.0, 1.0]
    assert strategy.state() == {}


def test_average_without_a_client_is_that_of_the_others():
    # Clients of 1, 2 and 1 rows, the last away: (1 * 3 + 2 * 9) / 3 = 7.
    strategy = make("fedavg", (1, 2, 1))
    new, _ = play(strategy, arrays(w=[0.0]), [3.0], [9.0], [99.0], rows=[1, 2, 1], away={2})
    assert values(new) == [7.0]


def test_one_client_keeps_its_bytes():
    update = np.random.default_rng(0).normal(size=300_000).astype(np.float32)
    new, _ = play(make("fedavg", (7,)), arrays(w=np.zeros(300_000)), update, rows=[7])
    assert new["w"].numpy().tobytes() == update.tobytes()


def test_average_is_flowers_own_but_for_rounding():
    from flwr.serverapp.strategy.strategy_utils import aggregate_arrayrecords

    draws = np.random.default_rng(0).normal(size=(3, 300_000)).astype(np.float32)
    rows = [3, 5, 7]
    new, _ = play(make("fedavg", tuple(rows)), arrays(w=np.zeros(300_000)), *draws, rows=rows)
    records = [
        RecordDict({ARRAYS: arrays(w=draw), METRICS: MetricRecord({NUM_EXAMPLES: count})})
        for draw, count in zip(draws, rows, strict=True)
    ]
    expected = aggregate_arrayrecords(records, NUM_EXAMPLES)
    # Three products and sums of numbers of a few units, each rounded once less than Flower's.
    np.testing.assert_allclose(new["w"].numpy(), expected["w"].numpy(), rtol=0, atol=1e-6)


def test_moments_are_averaged_and_not_stepped():
    update = arrays(w=[2.0], optimizer__w__exp_avg=[4.0])
    other = arrays(w=[6.0], optimizer__w__exp_avg=[8.0])
    strategy = make("fedavgm", (1, 1), server_momentum=0.5, server_lr=0.5)
    new, _ = play(strategy, arrays(w=[0.0]), update, other)
    assert values(new) == [2.0]
    assert values(new, "optimizer/w/exp_avg") == [6.0]
    assert list(strategy.state()) == ["momentum/w"]


def test_momentum_by_hand():
    # Round 1: gradient 0 - 4 = -4, v = -4, w = 0 + 4 = 4.
    # Round 2: gradient 4 - 6 = -2, v = 0.5 * -4 - 2 = -4, w = 4 + 4 = 8.
    strategy = make("fedavgm", (1, 1), server_momentum=0.5)
    first, _ = play(strategy, arrays(w=[0.0]), [2.0], [6.0])
    assert values(first) == [4.0]
    assert values(play(strategy, first, [5.0], [7.0], round_number=2)[0]) == [8.0]


@pytest.mark.parametrize(
    ("name", "expected"), [("fedadam", [0.109, 0.1981]), ("fedyogi", [0.11, 0.21])]
)
def test_adaptive_steps_by_hand(name, expected):
    # d = (0 + 2) / 2 = 1 in both rounds; m = 0.5, then 0.75. tau = 0.1, so v begins at 0.01.
    # Adam: v = 0.9 * 0.01 + 0.1 = 0.109, then 0.9 * 0.109 + 0.1 = 0.1981.
    # Yogi: v = 0.01 + 0.1 = 0.11, then 0.21: it adds (1 - beta2) d^2 while v < d^2.
    strategy = make(name, (1, 1), server_lr=0.4, beta1=0.5, beta2=0.9, tau=0.1)
    first, _ = play(strategy, arrays(w=[1.0]), [1.0], [3.0])
    x = 1 + 0.4 * 0.5 / (np.sqrt(expected[0]) + 0.1)
    assert values(first) == pytest.approx([x], rel=1e-6)
    again, _ = play(strategy, first, [x], [x + 2], round_number=2)
    x += 0.4 * 0.75 / (np.sqrt(expected[1]) + 0.1)
    assert values(again) == pytest.approx([x], rel=1e-5)


def test_fedprox_tells_the_clients_mu():
    _, sent = play(make("fedprox", (1, 1), mu=0.25), arrays(w=[0.0]), [1.0], [1.0])
    assert [message.content["config"][PROXIMAL_MU] for message in sent] == [0.25, 0.25]


def test_scaffold_by_hand():
    # Rows 1 and 3: x = (1 * 4 + 3 * 8) / 4 = 7 and c = (1 * 2 + 3 * -2) / 4 = -1.
    strategy = make("scaffold", (1, 3))
    left, right = arrays(w=[4.0], control__w=[2.0]), arrays(w=[8.0], control__w=[-2.0])
    new, sent = play(strategy, arrays(w=[0.0]), left, right, rows=[1, 3])
    assert values(new) == [7.0]
    assert list(new) == ["w"]
    assert [message.content["config"][ACCEPTED_ROUND] for message in sent] == [0, 0]
    # The second client is away: c moves by a quarter of the first's change, and x is the first's.
    new, sent = play(strategy, new, left, right, rows=[1, 3], round_number=2, away={1})
    assert values(sent[0].content[ARRAYS], "control/w") == [-1.0]
    assert [message.content["config"][ACCEPTED_ROUND] for message in sent] == [1, 1]
    assert values(new) == [4.0]
    _, sent = play(strategy, new, left, right, rows=[1, 3], round_number=3)
    assert values(sent[0].content[ARRAYS], "control/w") == [-0.5]
    assert [message.content["config"][ACCEPTED_ROUND] for message in sent] == [2, 1]


def test_trimmed_mean_by_hand():
    # Of 1, 2, 3, 6, 1000 without the largest and the smallest: 11 / 3; of the other coordinate 2.
    strategy = make("trimmed_mean", (1,) * 5, hostile=1)
    updates = [[1000.0, 2.0], [1.0, -9.0], [6.0, 1.0], [2.0, 3.0], [3.0, 9.0]]
    new, _ = play(
        strategy, arrays(w=[0.0, 0.0], b=[[0.0]]), *(arrays(w=u, b=[[1]]) for u in updates)
    )
    assert values(new) == pytest.approx([11 / 3, 2.0])
    assert values(new, "b") == [[1.0]]


def test_krum_by_hand():
    # n = 5, f = 1: two nearest. Squared distances of 0, 1, 3, 4.5, 100 to them:
    # 0: 1 + 9; 1: 1 + 4; 3: 2.25 + 4; 4.5: 2.25 + 12.25; the client at 1 is closest.
    updates = [[100.0], [0.0], [1.0], [3.0], [4.5]]
    assert values(play(make("krum", (1,) * 5, hostile=1), arrays(w=[0.0]), *updates)[0]) == [1.0]
    multi = make("krum", (1,) * 5, hostile=1, selected=2)
    assert values(play(multi, arrays(w=[0.0]), *updates)[0]) == [2.0]


def test_krum_sees_small_differences_between_large_weights():
    # Inner products in 32 bits would drown these in rounding.
    far = 4096.0 + np.array([[0.5], [0.0], [1 / 64], [2 / 64], [3 / 64]])
    new, _ = play(make("krum", (1,) * 5, hostile=1), arrays(w=[4096.0]), *far)
    assert values(new) == [4096 + 1 / 64]


def test_equal_scores_are_decided_by_the_order_of_clients():
    assert best(np.ones((4, 4)) - np.eye(4), 0) == [0, 1, 2, 3]


def test_personalised_heads_go_back_to_their_owners():
    strategy = make("personalised", (1, 1), head=["head."])
    start = arrays(**{"body.w": [0.0], "head.w": [0.0]})
    left = arrays(**{"body.w": [2.0], "head.w": [10.0]})
    right = arrays(**{"body.w": [6.0], "head.w": [20.0]})
    new, _ = play(strategy, start, left, right)
    assert values(new, "body.w") == [4.0]
    assert values(new, "head.w") == [15.0]
    restored = make("personalised", (1, 1), head=["head."])
    restored.load_state(strategy.state())
    for owner in (strategy, restored):
        _, sent = play(owner, new, left, right, round_number=2)
        assert [values(m.content[ARRAYS], "head.w") for m in sent] == [[10.0], [20.0]]
        assert [values(m.content[ARRAYS], "body.w") for m in sent] == [[4.0], [4.0]]
        asked = owner.configure_evaluate(2, new, ConfigRecord(), None)
        assert [values(m.content[ARRAYS], "head.w") for m in asked] == [[10.0], [20.0]]


def test_a_head_that_the_policy_lacks_is_refused():
    strategy = make("personalised", (1,), head=["hat."])
    with pytest.raises(ConfigError, match=r"no trained parameter(.|\n)*head\."):
        play(strategy, arrays(**{"head.w": [0.0]}), [1.0])


STATEFUL = [
    ("fedavgm", {}),
    ("fedadam", {}),
    ("fedyogi", {}),
    ("scaffold", {}),
    ("personalised", {"head": ["w"]}),
]


@pytest.mark.parametrize(("name", "parameters"), STATEFUL)
def test_restored_it_goes_on_as_if_unbroken(name, parameters):
    updates = [arrays(w=[2.0], control__w=[1.0]), arrays(w=[6.0], control__w=[3.0])]
    if name != "scaffold":
        updates = [arrays(w=[2.0]), arrays(w=[6.0])]
    unbroken, broken = (make(name, (1, 2), **parameters) for _ in range(2))
    first, _ = play(unbroken, arrays(w=[0.0]), *updates, rows=[1, 2])
    broken.load_state({key: value.copy() for key, value in unbroken.state().items()})
    ends = [play(s, first, *updates, rows=[1, 2], round_number=2) for s in (unbroken, broken)]
    assert ends[0][0] == ends[1][0]
    assert [m.content for m in ends[0][1]] == [m.content for m in ends[1][1]]


@pytest.mark.parametrize("name", [*(name for name, _ in STATEFUL), "fedavg"])
def test_state_of_another_strategy_is_refused(name):
    with pytest.raises(CheckpointError, match="not that of this strategy"):
        make(name, (1,)).load_state({"other/0": np.zeros(1, np.float32)})
