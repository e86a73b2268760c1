"""Which episodes a set has."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .defect import Planted, Strength, by_strength, defect
from .meaning import append_task
from .rebuild import episode_runs, rebuild
from .tables import (
    Motion,
    edit_motion,
    lengths,
    pick_episode,
    rows_of,
)


@defect("short_episode", "an episode of a few frames")
def short_episode(folder: Path, strength: Strength, rng: np.random.Generator) -> Planted:
    episode = pick_episode(folder, rng)
    runs = episode_runs(folder)
    runs[episode] = runs[episode][: by_strength(strength, 8, 3, 1)]
    rebuild(folder, runs)
    drop = ({"fix": "drop_episodes", "episodes": [episode]},)
    return Planted(("short_episode", "episode_lengths"), (episode,), None, None, drop)


@defect("long_episode", "an episode many times longer than the others")
def long_episode(folder: Path, strength: Strength, rng: np.random.Generator) -> Planted:
    episode = pick_episode(folder, rng)
    times = by_strength(strength, 4, 6, 10)
    runs = episode_runs(folder)
    own = runs[episode]
    runs[episode] = np.concatenate([own[::-1] if turn % 2 else own for turn in range(times)])
    rebuild(folder, runs)
    drop = ({"fix": "drop_episodes", "episodes": [episode]},)
    return Planted(("episode_lengths",), (episode,), None, None, drop)


@defect("duplicate_episodes", "an episode recorded in the set again")
def duplicate_episodes(folder: Path, strength: Strength, rng: np.random.Generator) -> Planted:
    """Make one episode a copy of another, with faint noise when mild, several of them when strong."""
    count = len(lengths(folder))
    source = int(rng.integers(count))
    others = [e for e in range(count) if e != source]
    copies = others[: by_strength(strength, 1, 1, 3)]
    runs = episode_runs(folder)
    rebuild(folder, [runs[source if e in copies else e] for e in range(count)])
    if strength == "mild":
        own = rows_of(folder, copies[0])
        noise = rng.normal(scale=0.003, size=(len(own), 6)).astype(np.float32)

        def whisper(state: Motion, action: Motion) -> None:
            del action
            state[own] += noise

        edit_motion(folder, whisper)
    episodes = tuple(sorted({source, *copies}))
    drop = ({"fix": "drop_episodes", "episodes": copies},)
    return Planted(("duplicate_episodes",), episodes, None, None, drop)


@defect("low_diversity", "episodes that hardly differ")
def low_diversity(folder: Path, strength: Strength, rng: np.random.Generator) -> Planted:
    """Make every episode the first, with noise that tells them apart."""
    count = len(lengths(folder))
    first = rows_of(folder, 0)
    rebuild(folder, [first] * count)
    scale = by_strength(strength, 0.3, 0.1, 0.03)
    noise = rng.normal(scale=scale, size=(len(first) * count, 6)).astype(np.float32)

    def vary(state: Motion, action: Motion) -> None:
        state += noise
        action += np.repeat(rng.normal(scale=scale, size=(count, 6)), len(first), axis=0)

    edit_motion(folder, vary)
    return Planted(("low_diversity", "duplicate_episodes"))


@defect("task_imbalance", "two tasks of which one has nearly all episodes")
def task_imbalance(folder: Path, strength: Strength, rng: np.random.Generator) -> Planted:
    """Copy episodes until one task has 10, 15 or 30 times as many as a second, new one."""
    wanted = by_strength(strength, 11, 16, 31)
    runs = episode_runs(folder)
    runs = [runs[episode % len(runs)] for episode in range(wanted)]
    rebuild(folder, runs)
    offsets = np.concatenate([np.full((len(run), 6), rng.normal(scale=2, size=6)) for run in runs])

    def differ(state: Motion, action: Motion) -> None:
        state += offsets
        action += offsets

    edit_motion(folder, differ)
    append_task(folder, "Put the cube back.", episode=wanted - 1)
    return Planted(("task_imbalance",))
