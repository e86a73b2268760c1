import numpy as np
import pytest
from flwr.app import Array, ArrayRecord

from fedarm.federated.keys import STEPS
from fedarm.federated.wire import from_wire, to_wire
from tests.unit.federated.conftest import FEDPROX
from tests.unit.federated.test_rounds import trained
from tests.unit.training.synthetic import settings_of


def _record(**arrays):
    return ArrayRecord({name: Array(np.asarray(values)) for name, values in arrays.items()})


def test_bfloat16_rounds_to_the_nearest_and_halves_the_bytes():
    # 8 significant bits: 1 + 2^-8 lies between 1 and 1 + 2^-7 and goes to the even one.
    values = np.array([1.0, 1 + 2**-8, 1 + 3 * 2**-8, -3.14159265, 1e30], np.float32)
    wire = to_wire(_record(w=values), "bfloat16")
    assert wire["w"].numpy().nbytes == values.nbytes // 2
    back = from_wire(wire)["w"].numpy()
    assert back.dtype == np.float32
    np.testing.assert_array_equal(back[:4], np.float32([1.0, 1.0, 1 + 2**-6, -3.140625]))
    np.testing.assert_allclose(back, values, rtol=2**-8)


def test_nan_is_still_seen_and_counts_stay_exact():
    wire = to_wire(
        _record(w=np.float32([np.nan, np.inf]), **{STEPS: np.float32([505, 7])}), "bfloat16"
    )
    back = from_wire(wire)
    assert np.isnan(back["w"].numpy()[0])
    assert np.isinf(back["w"].numpy()[1])
    assert back[STEPS].numpy().tolist() == [505, 7]


def test_32_bits_travel_as_they_are():
    record = _record(w=np.float32([1.1, 2.2]))
    assert to_wire(record, "float32") is record
    assert from_wire(record) is record


@pytest.fixture(scope="module")
def runs(make, tmp_path_factory):
    """The same run with either exchange, and the latter once more."""
    results = []
    for dtype in ("float32", "bfloat16", "bfloat16"):
        experiment = make(
            federation={"rounds": 3, "exchange_dtype": dtype},
            arms={
                "central": {"kind": "central"},
                "fedprox": {**FEDPROX, "mu": 0.5, "optimizer_state": "average"},
            },
        )
        settings = settings_of(experiment, "fedprox", 0)
        results.append(trained(settings, tmp_path_factory.mktemp(dtype)))
    return results


def test_the_bytes_of_a_round_are_counted_as_they_travel(runs):
    full, half, _ = (run[1]["rounds"] for run in runs)
    for line, other in zip(full[1:], half[1:], strict=True):
        for key in ("bytes_up", "bytes_down"):
            # numpy's header of 128 bytes an array does not shrink.
            assert 0.5 <= other[key] / line[key] < 0.7


def test_training_through_16_bits_is_repeatable_and_nearly_the_same(runs):
    full, half, again = runs
    assert half == again
    losses = [run[1]["rounds"][-1]["held_out_loss"] for run in (full, half)]
    assert losses[0] != losses[1]
    for name, loss in losses[0].items():
        assert losses[1][name] == pytest.approx(loss, rel=0.05)
