"""The lab's tasks as an environment type of LeRobot: `--env.type=fedarm`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from lerobot.configs import FeatureType, PolicyFeature
from lerobot.envs.configs import EnvConfig
from lerobot.utils.constants import ACTION, OBS_IMAGES, OBS_STATE

from fedarm.sim.tasks import CAMERA, CONTROL_FPS, JOINTS, get_task, get_variant


@EnvConfig.register_subclass("fedarm")
@dataclass
class FedarmEnv(EnvConfig):  # type: ignore[misc]
    """A task of the lab, for `lerobot-eval`.

    Attributes:
        task: The task's name: pickplace, stacking, sorting or so101_pickplace.
        variant: The variant's name.
        image_size: Side of the picture that the policy wants, in pixels.
        camera_size: Side of the camera's picture, in pixels, before it is shrunk: `image_size` of the
            dataset's section in a fedarm configuration.
        render_size: Side of the pictures in LeRobot's videos, in pixels.
        experiment_seed: `seed` of a fedarm configuration: whose list of initial conditions is met.
        episode_length: Control steps before an episode is cut off; None for the task's own.
    """

    task: str | None = "pickplace"
    variant: str = "standard"
    fps: int = CONTROL_FPS
    image_size: int = 64
    camera_size: int = 128
    render_size: int = 224
    experiment_seed: int = 0
    episode_length: int | None = None
    features: dict[str, PolicyFeature] = field(default_factory=dict)
    features_map: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the names, and say what a policy sees and commands.

        Raises:
            ConfigError: There is no such task or variant.
        """
        get_task(self.task or "")
        get_variant(self.variant)
        side = self.image_size
        joints = (len(JOINTS),)
        camera = f"pixels/{CAMERA}"
        self.features = {
            ACTION: PolicyFeature(type=FeatureType.ACTION, shape=joints),
            "agent_pos": PolicyFeature(type=FeatureType.STATE, shape=joints),
            camera: PolicyFeature(type=FeatureType.VISUAL, shape=(side, side, 3)),
        }
        self.features_map = {
            ACTION: ACTION,
            "agent_pos": OBS_STATE,
            camera: f"{OBS_IMAGES}.{CAMERA}",
        }

    @property
    def package_name(self) -> str:
        """What registers the environments with gymnasium."""
        return "fedarm.sim"

    @property
    def gym_id(self) -> str:
        """The environment's name in gymnasium."""
        return get_task(self.task or "").env_id

    @property
    def gym_kwargs(self) -> dict[str, Any]:
        """What the environment is made with."""
        steps = self.episode_length
        return {
            "variant": self.variant,
            "image_size": self.image_size,
            "camera_size": self.camera_size,
            "render_size": self.render_size,
            "experiment_seed": self.experiment_seed,
            # gymnasium cuts off by this one too, and would do so at the task's own length.
            "max_episode_steps": steps or get_task(self.task or "").horizon_steps,
        }
