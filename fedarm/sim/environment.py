"""The lab's tasks as gymnasium environments.

    observation   {"pixels": {"front": (image_size, image_size, 3) uint8}, "agent_pos": (6,) float32}
    action        (6,) float32: joint targets in degrees, gripper in percent of its opening
    reward        1.0 when the task is done, else 0.0; the episode then ends
    info          {"is_success": bool}

That is how LeRobot's evaluation reads an environment; `fedarm.lerobot_plugin` tells LeRobot of it.
`reset(seed=...)` alone decides where everything lies; a reset without a seed goes on from the last one's
random numbers.
"""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from fedarm.data.decoding import resize_frame
from fedarm.errors import ConfigError
from fedarm.sim.initial_conditions import InitialConditions
from fedarm.sim.joints import from_radians
from fedarm.sim.scene import compile_scene
from fedarm.sim.simulation import Simulation
from fedarm.sim.tasks import CAMERA, CONTROL_FPS

Observation = dict[str, Any]

RENDER_MODE = "rgb_array"


class SO101Env(gymnasium.Env[Observation, NDArray[np.float32]]):
    """A task on the simulated SO-101.

    Args:
        task: The task's name.
        variant: The variant's name.
        image_size: Side of the observed picture, in pixels.
        camera_size: Side of the camera's picture, in pixels, before it is shrunk to the observed one as
            rollouts and training do it; None for no shrinking.
        experiment_seed: With it, the seed of a reset is an entry of that experiment's list of initial
            conditions; without, it is what the conditions are drawn from.
        render_size: Side of the pictures that `render` gives, in pixels.
        render_mode: `rgb_array`, or None for no pictures from `render`.
        max_episode_steps: Control steps before an episode is cut off; the task's own by default.

    Raises:
        ConfigError: There is no such task, variant or render mode.
        MachineError: Nothing can be rendered here.
    """

    metadata: dict[str, Any] = {"render_modes": [RENDER_MODE], "render_fps": CONTROL_FPS}  # noqa: RUF012

    def __init__(
        self,
        task: str,
        *,
        variant: str = "standard",
        image_size: int = 64,
        camera_size: int | None = None,
        experiment_seed: int | None = None,
        render_size: int = 224,
        render_mode: str | None = RENDER_MODE,
        max_episode_steps: int | None = None,
    ) -> None:
        if render_mode not in (None, RENDER_MODE):
            raise ConfigError(
                "unknown render mode", key="render_mode", value=render_mode, remedy=RENDER_MODE
            )
        scene = compile_scene(task, variant)
        self.render_mode = render_mode
        # Names that LeRobot's evaluation reads.
        self.task = task
        self.task_description = scene.task.instruction
        self._max_episode_steps = max_episode_steps or scene.task.horizon_steps
        self.simulation = Simulation(scene)
        self._image_size = image_size
        self._camera_size = camera_size or image_size
        self._conditions = (
            None if experiment_seed is None else InitialConditions(experiment_seed, task, variant)
        )
        self._render_size = render_size
        self._steps = 0
        hinges = scene.model.jnt_range[scene.joint_ids]
        low, high = from_radians(hinges.T).astype(np.float32)
        self.action_space = gymnasium.spaces.Box(low, high, dtype=np.float32)
        # An arm that is pushed can be a little beyond the range that its targets have.
        margin = np.float32(20)
        self.observation_space = gymnasium.spaces.Dict(
            {
                "pixels": gymnasium.spaces.Dict(
                    {CAMERA: gymnasium.spaces.Box(0, 255, (image_size, image_size, 3), np.uint8)}
                ),
                "agent_pos": gymnasium.spaces.Box(low - margin, high + margin, dtype=np.float32),
            }
        )

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Start an episode; the seed decides where everything lies."""
        super().reset(seed=seed, options=options)
        if seed is None:
            seed = int(self.np_random.integers(2**63))
        elif self._conditions is not None:
            seed = self._conditions.seed(seed)
        self.simulation.reset(seed)
        self._steps = 0
        return self._observe(), {"is_success": False}

    def step(
        self, action: NDArray[np.float32]
    ) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Hold joint targets for a tenth of a second."""
        outcome = self.simulation.step(action)
        self._steps += 1
        truncated = self._steps >= self._max_episode_steps and not outcome.success
        info = {"is_success": outcome.success}
        return self._observe(), outcome.reward, outcome.success, truncated, info

    def render(self) -> NDArray[np.uint8] | None:
        """Return what the camera sees, `(render_size, render_size, 3)`."""
        return self.simulation.render(self._render_size) if self.render_mode else None

    def _observe(self) -> Observation:
        picture = self.simulation.render(self._camera_size)
        return {
            "pixels": {CAMERA: resize_frame(picture, self._image_size)},
            "agent_pos": self.simulation.state(),
        }
