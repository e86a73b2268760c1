"""An arm that stands still: a robot of LeRobot's without hardware, which keeps what it is commanded.

LeRobot looks for `StillArm` in a module of that name.
"""

from dataclasses import dataclass

import numpy as np
from lerobot.robots import Robot, RobotConfig

from fedarm.sim.simulation import HOME_DEG
from fedarm.sim.tasks import JOINTS

IMAGE = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
commanded = []


@RobotConfig.register_subclass("still_arm")
@dataclass
class StillArmConfig(RobotConfig):
    pass


class StillArm(Robot):
    config_class = StillArmConfig
    name = "still_arm"

    @property
    def action_features(self):
        return dict.fromkeys(JOINTS, float)

    @property
    def observation_features(self):
        return {**self.action_features, "front": IMAGE.shape}

    @property
    def is_connected(self):
        return True

    @property
    def is_calibrated(self):
        return True

    def connect(self, calibrate=True):
        commanded.clear()

    def calibrate(self):
        return

    def configure(self):
        return

    def disconnect(self):
        return

    def get_observation(self):
        return {
            **dict(zip(self.action_features, map(float, HOME_DEG), strict=True)),
            "front": IMAGE,
        }

    def send_action(self, action):
        commanded.append([action[name] for name in self.action_features])
        return action
