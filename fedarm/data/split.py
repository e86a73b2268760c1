"""Which episodes are trained on and which are only evaluated."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from fedarm.errors import DataError


@dataclass(frozen=True)
class Split:
    """Episode indices, sorted; the two share none and together are all."""

    train: tuple[int, ...]
    held_out: tuple[int, ...]


def split_episodes(episode_tasks: Sequence[Hashable], *, held_out: int, seed: int) -> Split:
    """Hold out whole episodes, drawn from each task in proportion to its episodes.

    Frames of one episode resemble one another, so a split by frame would leak.

    Args:
        episode_tasks: The task of each episode: any value that tells tasks apart.
        held_out: Episodes to hold out in all.
        seed: Seed of the draw.

    Raises:
        DataError: No episode would be held out, or none be left to train on.
    """
    total = len(episode_tasks)
    _check_size(held_out, total)
    rng = np.random.default_rng(seed)
    # By first appearance, so that the draw does not depend on how tasks are named.
    by_task: dict[Hashable, list[int]] = {}
    for index, task in enumerate(episode_tasks):
        by_task.setdefault(task, []).append(index)
    groups = list(by_task.values())
    counts = _apportion([len(group) for group in groups], held_out)
    chosen = {
        int(index)
        for group, count in zip(groups, counts, strict=True)
        for index in rng.choice(group, size=count, replace=False)
    }
    return Split(
        train=tuple(index for index in range(total) if index not in chosen),
        held_out=tuple(sorted(chosen)),
    )


def _check_size(held_out: int, total: int) -> None:
    if held_out < 1:
        raise DataError(
            "at least one episode must be held out",
            key="held_out",
            value=held_out,
            remedy="set it to 1 or more",
        )
    if held_out >= total:
        raise DataError(
            f"no episode is left to train on: the dataset has {total}",
            key="held_out",
            value=held_out,
            remedy="hold out fewer episodes, or record more",
        )


def _apportion(sizes: Sequence[int], amount: int) -> list[int]:
    """Share `amount` in proportion to `sizes` by largest remainders; ties go to the earlier."""
    total = sum(sizes)
    shares = [amount * size // total for size in sizes]
    by_remainder = sorted(range(len(sizes)), key=lambda i: (-(amount * sizes[i] % total), i))
    for index in by_remainder[: amount - sum(shares)]:
        shares[index] += 1
    return shares
