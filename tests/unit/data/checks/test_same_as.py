"""The checks cover what four other checkers look for, by their names.

lerobot-doctor 0.2.0, lerobot-lint 0.1.1, lerobot-quality-gates 0.1.7, deepen-grade 0.4.1.
"""

from __future__ import annotations

from fedarm.data.checks import CHECKS
from fedarm.data.checks.report import READABLE_SAME_AS

DOCTOR = (
    "metadata temporal actions videos statistics episodes consistency training anomalies "
    "portability"
)
LINT = (
    "DEAD_JOINT SATURATED_JOINT JITTER DISCONTINUITY FROZEN_STATE GRIPPER_INERT "
    "ACTION_STATE_DIVERGENCE ACTION_RANGE_MISMATCH TIMESTAMP_NON_MONOTONIC FRAME_DROPS FPS_MISMATCH "
    "VIDEO_LENGTH_MISMATCH FROZEN_CAMERA DEGENERATE_IMAGE SHORT_EPISODE DURATION_OUTLIER "
    "MISSING_TASK TASK_IMBALANCE LOW_DIVERSITY TOO_FEW_EPISODES"
)
GATES = "metadata episodes sensors actions video interventions card"
# `hygiene.tf_tree_integrity` is left out: it reads the transforms of a ROS bag, and a LeRobot dataset
# has none.
GRADE = (
    "hygiene.topic_frequency hygiene.cross_modal_sync hygiene.schema_dim_consistency "
    "episode_quality.idle_stall episode_quality.jerk_smoothness "
    "episode_quality.joint_limit_saturation episode_quality.gripper_chatter "
    "episode_quality.action_state_consistency calibration.sanity plausibility.robot_data "
    "cross.trajectory_consistency cross.endpoint_agreement cross.duplicates "
    "cross.behavioral_clustering cross.condition_coverage cross.action_variance_profile cross.drift"
)


def test_every_check_of_the_others_has_a_counterpart():
    theirs = {
        f"{tool} {name}"
        for tool, names in (
            ("lerobot-doctor", DOCTOR),
            ("lerobot-lint", LINT),
            ("lerobot-quality-gates", GATES),
            ("deepen-grade", GRADE),
        )
        for name in names.split()
    }
    ours = {name for check in CHECKS.values() for name in check.same_as} | set(READABLE_SAME_AS)

    assert ours == theirs
