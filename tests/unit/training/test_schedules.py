import pytest
from pydantic import ValidationError

from fedarm.config_training import Schedule
from fedarm.training.schedules import lr_share


def _share(schedule: Schedule, step: int, *, steps: int = 9, number: int = 1, rounds: int = 1):
    return lr_share(schedule, step=step, steps=steps, round_number=number, rounds=rounds)


def test_cosine_goes_from_one_through_the_middle_to_the_final_share():
    schedule = Schedule(final_lr_share=0.2)
    assert _share(schedule, 0) == 1.0
    # Half way: 0.2 + 0.8 / 2.
    assert _share(schedule, 4) == pytest.approx(0.6)
    # A quarter of the way: 0.2 + 0.8 (1 + cos 45 degrees) / 2.
    assert _share(schedule, 2) == pytest.approx(0.2 + 0.8 * 0.8535533905932737)
    assert _share(schedule, 8) == pytest.approx(0.2)


def test_one_cosine_is_the_same_for_central_and_federated_training():
    schedule = Schedule(warmup_share=0.2, final_lr_share=0.1)
    central = [_share(schedule, step, steps=20) for step in range(20)]
    federated = [
        _share(schedule, step, steps=4, number=number, rounds=5)
        for number in range(1, 6)
        for step in range(4)
    ]
    assert federated == central
    assert central[4:] == sorted(central[4:], reverse=True)
    assert central[-1] == pytest.approx(0.1)


def test_with_a_cosine_of_its_own_each_round_starts_anew():
    schedule = Schedule(kind="round_cosine")
    shares = [[_share(schedule, s, number=r, rounds=5) for s in range(9)] for r in (1, 3, 5)]
    assert shares[0] == shares[1] == shares[2]


def test_warmup_rises_linearly_and_does_not_waste_the_first_step():
    schedule = Schedule(warmup_share=0.3, final_lr_share=0.0)
    shares = [_share(schedule, step, steps=10) for step in range(10)]
    assert shares[:4] == pytest.approx([0.25, 0.5, 0.75, 1.0])
    assert shares[-1] == pytest.approx(0.0)
    assert shares[3:] == sorted(shares[3:], reverse=True)


def test_constant_stays_after_the_warmup():
    schedule = Schedule(kind="constant", warmup_share=0.5)
    assert [_share(schedule, step, steps=4) for step in range(4)] == pytest.approx(
        [1 / 3, 2 / 3, 1.0, 1.0]
    )


def test_the_warmup_is_once_in_a_run():
    schedule = Schedule(kind="constant", warmup_share=0.25)
    shares = [
        _share(schedule, s, steps=2, number=r, rounds=4) for r in (1, 2, 3, 4) for s in (0, 1)
    ]
    assert shares == pytest.approx([1 / 3, 2 / 3, *[1.0] * 6])


def test_rounds_can_fall_along_a_cosine():
    schedule = Schedule(kind="constant", round_decay="cosine")
    shares = [_share(schedule, 0, number=r, rounds=4) for r in (1, 2, 3, 4)]
    assert shares == pytest.approx([1.0, 0.8535533906, 0.5, 0.1464466094])


def test_central_training_is_one_round_and_does_not_fall_over_rounds():
    assert _share(Schedule(kind="round_cosine", round_decay="cosine"), 0) == 1.0


@pytest.mark.parametrize("kind", ["cosine", "warm_restarts"])
def test_what_falls_over_the_run_does_not_fall_over_the_rounds_too(kind):
    with pytest.raises(ValidationError, match="leave `round_decay` out"):
        Schedule(kind=kind, round_decay="cosine")


def test_a_round_of_one_step_has_the_full_rate():
    assert _share(Schedule(), 0, steps=1) == 1.0


def test_warm_restarts_fall_over_cycles_of_the_run_and_start_anew():
    schedule = Schedule(kind="warm_restarts", first_cycle=0.5, final_lr_share=0.0)
    shares = [_share(schedule, step, steps=8) for step in range(8)]
    # T_cur / T_i = 0, 1/4, 1/2, 3/4: (1 + cos(pi t)) / 2, twice.
    cycle = [1.0, 0.8535533905932737, 0.5, 0.1464466094067262]
    assert shares == pytest.approx(cycle + cycle)


def test_warm_restart_cycles_grow():
    schedule = Schedule(kind="warm_restarts", first_cycle=0.2, cycle_factor=2.0, final_lr_share=0.0)
    shares = [_share(schedule, step, steps=10) for step in range(10)]
    # Cycles of 2 and 4 steps; the third would have 8.
    restarts = [step for step in range(1, 10) if shares[step] > shares[step - 1]]
    assert restarts == [2, 6]
    assert shares[:6] == pytest.approx([1.0, 0.5, 1.0, 0.8535533905932737, 0.5, 0.1464466094067262])


def test_warm_restarts_are_the_same_for_central_and_federated_training():
    schedule = Schedule(kind="warm_restarts", first_cycle=0.4)
    central = [_share(schedule, step, steps=20) for step in range(20)]
    federated = [
        _share(schedule, step, steps=4, number=number, rounds=5)
        for number in range(1, 6)
        for step in range(4)
    ]
    assert federated == pytest.approx(central)
