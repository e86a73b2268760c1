"""Policy and simulator in a loop, all episodes of a scene side by side.

The policy looks at all running episodes at once, predicts a chunk of actions for each, and the first
`n_action_steps` of it are executed before it looks again, as LeRobot's `select_action` does with its
queue. Nothing is rendered in between. A successful episode ends at once and is not looked at any more.

An episode's result depends on its seed and the policy alone: not on which other episodes run, how many
of them still do, or whether it is filmed. A matrix product may round a row otherwise when the number of
rows changes, so the policy always gets `SLOTS` rows and an episode always has the same one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fedarm.data.decoding import resize_frame
from fedarm.sim.scene import Scene
from fedarm.sim.simulation import Simulation

SLOTS = 10

Images = NDArray[np.uint8]
Joints = NDArray[np.float32]


@dataclass(frozen=True)
class Controller:
    """A policy as the loop sees it.

    Attributes:
        predict: From images `(slot, height, width, 3)` and states `(slot, joint)` to actions
            `(slot, step, joint)`, in degrees and percent.
        image_size: Side of the images, in pixels.
        n_action_steps: Actions executed before looking again.
    """

    predict: Callable[[Images, Joints], Joints]
    image_size: int
    n_action_steps: int


@dataclass(frozen=True)
class EpisodeResult:
    """How an episode went.

    Attributes:
        episode: Which of the scene's initial conditions it started from.
        seed: The seed of that initial condition.
        success: Whether the task was done.
        steps: Control steps until success, or the horizon.
        reward_sum: The undiscounted return.
        distances: What the scene measures at the end, by name with unit.
        start: Where the object and its goal lay at the begin, by name with unit.
    """

    episode: int
    seed: int
    success: bool
    steps: int
    reward_sum: float
    distances: Mapping[str, float]
    start: Mapping[str, float]


class Observer(Protocol):
    """Watches one episode and does not touch it before its end."""

    def on_look(self, simulation: Simulation, chunk: Joints) -> None:
        """The policy has looked and predicted `(step, joint)` actions."""

    def on_frame(self, simulation: Simulation) -> None:
        """Another 1/30 s has passed."""

    def on_end(self, simulation: Simulation, result: EpisodeResult) -> None:
        """The episode is over; the simulation is free."""


@dataclass(frozen=True)
class Together:
    """Several observers of one episode, told in their order.

    Attributes:
        observers: At the end, one that goes on with the simulation must be the last.
    """

    observers: tuple[Observer, ...]

    def on_look(self, simulation: Simulation, chunk: Joints) -> None:
        """Tell all of a prediction."""
        for observer in self.observers:
            observer.on_look(simulation, chunk)

    def on_frame(self, simulation: Simulation) -> None:
        """Tell all that time has passed."""
        for observer in self.observers:
            observer.on_frame(simulation)

    def on_end(self, simulation: Simulation, result: EpisodeResult) -> None:
        """Tell all how it went."""
        for observer in self.observers:
            observer.on_end(simulation, result)


def roll_out(
    scene: Scene,
    seeds: Sequence[int],
    *,
    controller: Controller,
    horizon_steps: int,
    camera_size: int,
    observers: Mapping[int, Observer] | None = None,
    first: int = 0,
) -> list[EpisodeResult]:
    """Run initial conditions of a scene to their end, in their order from the first one on.

    Args:
        scene: Where.
        seeds: The seed of each initial condition.
        controller: Who acts.
        horizon_steps: Control steps after which an episode has failed.
        camera_size: Side of the camera's picture, in pixels; the policy sees it shrunk.
        observers: Who watches which episode.
        first: Which of the scene's initial conditions the first seed is.

    Returns:
        One result a seed, in their order.
    """
    watched = observers or {}
    episodes = [
        _Episode(scene, index, seed, observer=watched.get(index))
        for index, seed in enumerate(seeds, first)
    ]
    groups = [list(group) for _, group in groupby(episodes, key=lambda each: each.index // SLOTS)]
    for looked_at_step in range(0, horizon_steps, controller.n_action_steps):
        executed = min(controller.n_action_steps, horizon_steps - looked_at_step)
        for group in groups:
            if all(episode.success for episode in group):
                continue
            chunks = _look(group, controller, camera_size=camera_size)
            for episode in group:
                if not episode.success:
                    episode.execute(chunks[episode.index % SLOTS], executed)
    return [episode.end() for episode in episodes]


def _look(group: Sequence[_Episode], controller: Controller, *, camera_size: int) -> Joints:
    """Return the predictions `(slot, step, joint)` for a group; those for idle slots mean nothing."""
    size = controller.image_size
    images = np.zeros((SLOTS, size, size, 3), dtype=np.uint8)
    states = np.zeros((SLOTS, len(group[0].simulation.state())), dtype=np.float32)
    for episode in group:
        slot = episode.index % SLOTS
        if not episode.success:
            images[slot] = resize_frame(episode.simulation.render(camera_size), size)
            states[slot] = episode.simulation.state()
    return controller.predict(images, states)


class _Episode:
    """One simulation under way."""

    def __init__(self, scene: Scene, index: int, seed: int, *, observer: Observer | None) -> None:
        self.simulation = Simulation(scene)
        self._placement = self.simulation.reset(seed)
        self.index = index
        self.success = False
        self._seed = seed
        self._observer = observer
        self._steps = 0
        self._reward_sum = 0.0

    def execute(self, chunk: Joints, count: int) -> None:
        """Execute the first `count` actions of a chunk `(step, joint)`, or fewer until success."""
        observer = self._observer
        if observer is not None:
            observer.on_look(self.simulation, chunk)
        for action in chunk[:count]:
            outcome = self.simulation.step(
                action, on_frame=None if observer is None else observer.on_frame
            )
            self._steps += 1
            self._reward_sum += float(outcome.success)
            if outcome.success:
                self.success = True
                return

    def end(self) -> EpisodeResult:
        """Return how it went, after telling the observer."""
        result = EpisodeResult(
            episode=self.index,
            seed=self._seed,
            success=self.success,
            steps=self._steps,
            reward_sum=self._reward_sum,
            distances=self.simulation.distances(),
            start=self._placement.positions(),
        )
        if self._observer is not None:
            self._observer.on_end(self.simulation, result)
        return result
