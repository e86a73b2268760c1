"""A task that a policy with random weights does sometimes, and LeRobot's evaluation of it.

As a script: `python easy_task.py ANGLE STATES <arguments of lerobot-eval>`.
"""

import json
import sys
from collections import defaultdict
from pathlib import Path

from fedarm.sim.simulation import Simulation

SHOULDER_LIFT = 1


def make_easy(angle_deg, monkeypatch=None):
    """Let success be that the upper arm is below an angle; return the joints that will be seen.

    By where the object lies at the start, one list of joints `(step, joint)` an episode.
    """
    seen = defaultdict(list)

    def judge(simulation):
        state = simulation.state()
        seen[repr(simulation.placement.object_xy_m)].append(state.tolist())
        simulation.success = simulation.success or bool(state[SHOULDER_LIFT] > angle_deg)

    if monkeypatch is None:
        Simulation._judge = judge
    else:
        monkeypatch.setattr(Simulation, "_judge", judge)
    return seen


if __name__ == "__main__":
    from lerobot.scripts.lerobot_eval import main

    angle, states = sys.argv.pop(1), Path(sys.argv.pop(1))
    joints = make_easy(float(angle))
    main()
    states.write_text(json.dumps(joints))
