from __future__ import annotations

import numpy as np
import pytest
from statsmodels.api import Logit

from fedarm.video.features import FEATURES, final_frame_features
from fedarm.video.fitted import fit_logistic, judge_tasks
from fedarm.video.measurement import MEASURES, VideoMeasurement
from fedarm.video.records import LABELS
from fedarm.video.success import FinalFrameCheck

from .drawing import picture

RED, BLUE = (200, 40, 35), (40, 70, 200)
CHECK = FinalFrameCheck(RED, BLUE, "on_disc")


def video(number, *, success, distance_m, condition):
    angle = 2.4 * number
    cube = (distance_m * np.cos(angle), distance_m * np.sin(angle), 0.0)
    image = picture(cubes=[(cube, RED)], discs=[((0.0, 0.0), BLUE)])
    labels = dict.fromkeys(LABELS) | {"task": "pickplace", "initial_condition_seed": condition}
    return VideoMeasurement(
        file=f"{number:03d}.mp4",
        labels=labels,
        findings=(),
        unknown={},
        record_missing=None,
        values=dict.fromkeys(MEASURES),
        success_env=success,
        features=final_frame_features(image, CHECK),
    )


@pytest.fixture(scope="module")
def videos():
    return [
        video(
            number,
            success=number % 2 == 0,
            distance_m=0.01 if number % 2 == 0 else 0.08,
            condition=number // 2 % 10,
        )
        for number in range(24)
    ]


def test_success_is_read_from_frames_that_were_not_fitted(videos):
    (task,) = judge_tasks(videos)

    assert task.reason is None
    assert (task.videos, task.successes, task.initial_conditions) == (24, 12, 10)
    assert task.confusion["true_positive"] == 12
    assert task.confusion["true_negative"] == 12
    assert len(task.judgements) == 24
    assert task.final_frame_check["undetermined"] == 24, "the check was not asked here"


def test_a_flag_that_has_nothing_to_do_with_the_frames_cannot_be_read(videos):
    """What was fitted on an initial condition must not judge it: chance is all that is left."""
    rng = np.random.default_rng(0)
    flags = rng.permutation(np.repeat([True, False], 60))
    noise = [
        VideoMeasurement(
            **{
                **vars(videos[0]),
                "file": f"{number:03d}.mp4",
                "labels": videos[0].labels | {"initial_condition_seed": number},
                "success_env": bool(flag),
                "features": tuple(rng.normal(size=len(FEATURES))),
            }
        )
        for number, flag in enumerate(flags)
    ]

    (task,) = judge_tasks(noise)

    right = task.confusion["true_positive"] + task.confusion["true_negative"]
    assert 0.3 < right / 120 < 0.65


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"success_env": True}, "24 successes and 0 failures"),
        ({"condition": 3}, "initial conditions"),
    ],
)
def test_too_few_are_said_to_be_too_few(videos, change, reason):
    changed = [
        VideoMeasurement(
            **vars(video)
            | {
                "success_env": change.get("success_env", video.success_env),
                "labels": video.labels
                | ({"initial_condition_seed": 3} if "condition" in change else {}),
            }
        )
        for video in videos
    ]

    (task,) = judge_tasks(changed)

    assert reason in task.reason
    assert task.confusion is None
    assert task.judgements == {}


def test_the_order_of_the_videos_does_not_matter(videos):
    assert judge_tasks(videos) == judge_tasks(videos[::-1])


def test_the_fit_is_that_of_statsmodels():
    rng = np.random.default_rng(1)
    features = rng.normal(size=(80, 3))
    flags = rng.random(80) < 1 / (1 + np.exp(-features @ [1.0, -2.0, 0.0]))
    weights = fit_logistic(features, flags)
    design = np.column_stack([np.ones(80), features])

    # The gradient of the likelihood balances the pull towards 0, which the intercept is free of.
    score = Logit(flags.astype(float), design).score(weights)
    assert score == pytest.approx(np.r_[0.0, weights[1:]], abs=1e-3)


def test_what_is_not_seen_is_far():
    features = dict(zip(FEATURES, final_frame_features(picture(), CHECK), strict=True))
    assert features["object_seen"] == features["goal_seen"] == 0.0
    assert features["distance"] == 4.0
