from dataclasses import replace

import pytest

from fedarm.config_training import CheckpointBase, RandomBase
from fedarm.errors import ResultsError
from fedarm.training.loop import StepLosses
from fedarm.training.metrics import build_metrics, metrics_line

from .synthetic import settings_of


def _line(number: int, **samples: int):
    clients = {client: StepLosses(0.5, 0.25, count, 1.5) for client, count in samples.items()}
    return metrics_line(number, clients, {"left": 0.75}, seconds=1.23456, bytes_up=3, bytes_down=4)


def test_a_line_keeps_policy_loss_and_proximal_term_apart():
    assert _line(2, left=8, right=16) == {
        "round": 2,
        "samples": 24,
        "clients": {
            client: {
                "policy_loss": 0.5,
                "proximal_term": 0.25,
                "samples": samples,
                "update_norm": 1.5,
            }
            for client, samples in (("left", 8), ("right", 16))
        },
        "held_out_loss": {"left": 0.75},
        "bytes_up": 3,
        "bytes_down": 4,
        "seconds": 1.235,
    }


def test_samples_are_counted_by_client(central):
    lines = [_line(0), _line(1, left=32, right=32), _line(2, left=32, right=32)]
    metrics = build_metrics(central, lines, parameters=7)
    assert metrics["samples"] == metrics["budget_samples"] == 128
    assert metrics["samples_per_client"] == {"left": 64, "right": 64}
    # 128 samples in batches of 8.
    assert metrics["optimizer_steps"] == 16
    assert metrics["parameters"] == 7
    assert metrics["statistics_source"] == {"split": "train", "datasets": ["left", "right"]}
    assert metrics["rounds"] == lines


@pytest.mark.parametrize("seen", [56, 72])
def test_a_broken_budget_is_an_error(central, seen):
    with pytest.raises(ResultsError, match=f"saw {seen + 64} samples") as error:
        build_metrics(central, [_line(1, left=seen, right=64)], parameters=7)
    assert "128" in str(error.value)


def test_a_line_that_counts_otherwise_than_its_clients_is_an_error(central):
    with pytest.raises(ResultsError, match="saw 128 samples, its clients 64"):
        build_metrics(central, [{**_line(1, left=64), "samples": 128}], parameters=7)


def test_exclusions_after_an_early_stop_do_not_count(fedprox):
    left = {"client": "right", "stage": "train", "reason": "failed", "detail": ""}
    evaluated = {**left, "stage": "evaluate"}
    idle = {**_line(3), "stopped_after": 2, "exclusions": [left]}
    lines = [
        _line(0),
        {**_line(1, left=16, right=16), "exclusions": [evaluated]},
        {**_line(2, left=16), "exclusions": [left]},
        idle,
        {**idle, "round": 4},
    ]
    metrics = build_metrics(fedprox, lines, parameters=7)
    assert (metrics["samples"], metrics["excluded_samples"], metrics["budget_samples"]) == (
        48,
        16,
        128,
    )
    assert metrics["stopped_after_round"] == 2


def test_a_local_run_has_its_clients_share(experiment):
    local = settings_of(experiment, "local_left", 1)
    metrics = build_metrics(local, [_line(1, left=64)], parameters=7)
    assert (metrics["name"], metrics["arm"], metrics["seed"]) == ("local_left", "local", 1)
    assert metrics["samples"] == 64


@pytest.mark.parametrize(
    ("base", "source"),
    [
        (RandomBase(kind="none"), {"identity": True}),
        (CheckpointBase(kind="checkpoint", path="some/folder"), {"checkpoint": "some/folder"}),
        (
            CheckpointBase(kind="checkpoint", repo_id="someone/policy", revision="abc"),
            {"checkpoint": "someone/policy@abc"},
        ),
    ],
)
def test_a_base_that_is_not_trained_has_no_budget(experiment, base, source):
    settings = replace(settings_of(experiment, "base", 0), base=base, sources=())
    metrics = build_metrics(settings, [_line(0)], parameters=7)
    assert metrics["samples"] == metrics["budget_samples"] == 0
    assert metrics["rounds"] == []
    assert metrics["statistics_source"] == source
