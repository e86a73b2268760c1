import numpy as np
import pytest

from fedarm.training.batches import BatchOrder


def _order(rows: int = 10, batch_size: int = 4, **changes: object) -> BatchOrder:
    parts = {"experiment_seed": 0, "run_seed": 1, "clients": ("a", "b"), "round_number": 1}
    return BatchOrder(rows, batch_size, **(parts | changes))


def test_each_epoch_holds_every_row_once():
    order = _order()
    # 10 rows in batches of 4: five batches are two epochs.
    drawn = np.concatenate([order.indices(step) for step in range(5)])
    assert sorted(drawn[:10]) == list(range(10))
    assert sorted(drawn[10:]) == list(range(10))
    assert list(drawn[:10]) != list(drawn[10:])


def test_a_step_is_the_same_whatever_was_asked_before():
    walked = _order()
    batches = [walked.indices(step) for step in range(12)]
    for step in (11, 3, 7, 0):
        np.testing.assert_array_equal(_order().indices(step), batches[step])
        np.testing.assert_array_equal(walked.indices(step), batches[step])


def test_a_batch_may_span_several_epochs():
    order = _order(rows=3, batch_size=8)
    drawn = np.concatenate([order.indices(step) for step in range(3)])
    for epoch in range(8):
        assert sorted(drawn[3 * epoch : 3 * epoch + 3]) == [0, 1, 2]


@pytest.mark.parametrize(
    "changes",
    [{"experiment_seed": 1}, {"run_seed": 2}, {"clients": ("a",)}, {"round_number": 2}],
)
def test_each_part_of_the_seed_changes_the_order(changes: dict[str, object]):
    rows = {"rows": 1000, "batch_size": 32}
    assert list(_order(**rows).indices(0)) != list(_order(**rows, **changes).indices(0))
