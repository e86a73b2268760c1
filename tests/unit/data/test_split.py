from __future__ import annotations

import pytest

from fedarm.data.split import split_episodes
from fedarm.errors import DataError


def test_parts_are_disjoint_and_complete():
    split = split_episodes([0] * 10, held_out=3, seed=1)

    assert len(split.held_out) == 3
    assert sorted(split.train + split.held_out) == list(range(10))


def test_one_seed_gives_one_split_and_another_seed_another():
    tasks = [0] * 40

    assert split_episodes(tasks, held_out=5, seed=7) == split_episodes(tasks, held_out=5, seed=7)
    assert split_episodes(tasks, held_out=5, seed=7) != split_episodes(tasks, held_out=5, seed=8)


def test_every_episode_can_be_held_out():
    held_out = {split_episodes([0] * 5, held_out=1, seed=s).held_out[0] for s in range(60)}

    assert held_out == set(range(5))


@pytest.mark.parametrize(
    ("sizes", "held_out", "expected"),
    [
        ((10, 10), 4, (2, 2)),
        # Quotas 2.25, 1.5 and 0.75: the whole parts, then the two largest remainders.
        ((15, 10, 5), 4, (2, 1, 1)),
        ((15, 10, 5), 5, (2, 2, 1)),
        # Equal remainders: the task that appears first.
        ((10, 10), 1, (1, 0)),
    ],
)
def test_tasks_are_held_out_in_proportion(sizes, held_out, expected):
    tasks = [task for task, size in enumerate(sizes) for _ in range(size)]

    split = split_episodes(tasks, held_out=held_out, seed=3)

    counts = tuple(sum(tasks[i] == task for i in split.held_out) for task in range(len(sizes)))
    assert counts == expected


def test_the_split_does_not_depend_on_what_tasks_are_called():
    numbers = split_episodes([0, 1, 0, 1, 1, 0], held_out=2, seed=5)
    words = split_episodes(["z", "a", "z", "a", "a", "z"], held_out=2, seed=5)

    assert numbers == words


@pytest.mark.parametrize("held_out", [0, -1])
def test_less_than_one_held_out_episode_is_refused(held_out):
    with pytest.raises(DataError, match=r"held_out(.|\n)*1 or more"):
        split_episodes([0] * 4, held_out=held_out, seed=0)


@pytest.mark.parametrize("held_out", [4, 5])
def test_a_split_without_train_episodes_is_refused(held_out):
    with pytest.raises(DataError, match="no episode is left to train on"):
        split_episodes([0] * 4, held_out=held_out, seed=0)
