"""Rollouts as a LeRobot dataset: for LeRobot's visualizer, rerun, and whoever reads such datasets.

    rollouts/<dataset>/dataset/      the last round's episodes, in the order of `episodes.parquet`

An episode is what the policy could have seen and what it did, ten times a second:

    observation.images.front, observation.state, action     as in the datasets that it was trained on
    next.reward, next.success, next.done                    after the action
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedarm.rollout.closed_loop import EpisodeResult, Joints
from fedarm.sim.recording import write_dataset
from fedarm.sim.simulation import FRAMES_A_STEP, Simulation
from fedarm.sim.tasks import CAMERA, Task

_FLAG = {"dtype": "bool", "shape": (1,), "names": None}
_OUTCOME = {
    "next.reward": {"dtype": "float32", "shape": (1,), "names": None},
    "next.success": _FLAG,
    "next.done": _FLAG,
}


class Take:
    """Keeps what happens in an episode; an observer of `closed_loop.roll_out`.

    Args:
        camera_size: Side of the camera's picture, in pixels.
    """

    def __init__(self, camera_size: int) -> None:
        self._camera_size = camera_size
        self._states: list[Joints] = []
        self._pictures: list[NDArray[np.uint8]] = []
        self._actions: list[Joints] = []
        self._chunk: Iterator[Joints] = iter(())
        self._frames = 0
        self._success = False

    def on_look(self, simulation: Simulation, chunk: Joints) -> None:
        """Remember what will be done, and the start of the episode."""
        if not self._states:
            self._keep(simulation)
        self._chunk = iter(chunk)

    def on_frame(self, simulation: Simulation) -> None:
        """After each control step, keep its action and what is seen next."""
        self._frames += 1
        if self._frames % FRAMES_A_STEP == 0:
            self._actions.append(next(self._chunk))
            self._keep(simulation)

    def on_end(self, simulation: Simulation, result: EpisodeResult) -> None:
        """Keep how it went."""
        del simulation
        self._success = result.success

    def rows(self, instruction: str) -> Iterator[dict[str, Any]]:
        """Yield the episode's rows, as LeRobot's writer takes them.

        Args:
            instruction: What was to be done.
        """
        last = len(self._actions) - 1
        # What was seen after the last action belongs to no row.
        seen = zip(self._pictures, self._states, strict=True)
        for index, (action, (picture, state)) in enumerate(zip(self._actions, seen, strict=False)):
            success = self._success and index == last
            yield {
                f"observation.images.{CAMERA}": picture,
                "observation.state": state,
                "action": action,
                "next.reward": np.array([success], np.float32),
                "next.success": np.array([success]),
                "next.done": np.array([index == last]),
                "task": instruction,
            }

    def _keep(self, simulation: Simulation) -> None:
        self._states.append(simulation.state())
        self._pictures.append(simulation.render(self._camera_size))


def write_takes(root: Path, takes: Sequence[Take], *, task: Task, camera_size: int) -> None:
    """Write episodes as a LeRobot v3 dataset.

    Args:
        root: The dataset's folder, which must not exist.
        takes: The episodes, in their order.
        task: What was to be done.
        camera_size: Side of the camera's picture, in pixels.
    """
    features: Mapping[str, Any] = _OUTCOME
    write_dataset(
        root,
        (take.rows(task.instruction) for take in takes),
        repo_id=f"fedarm/rollouts_{task.name}",
        robot_type=task.robot_type,
        image_size=camera_size,
        more_features=features,
    )
