"""A checkpoint acts, and one that does not fit the scenes is refused."""

from types import SimpleNamespace

import numpy as np
import pytest

from fedarm.errors import CheckpointError
from fedarm.policies.checkpoint import digest_checkpoint, save_pretrained
from fedarm.policies.normalization import predict_chunk
from fedarm.rollout.actor import check_features, load_actor


def features(**cameras):
    six = SimpleNamespace(shape=(6,))
    return SimpleNamespace(
        image_features={
            f"observation.images.{name}": SimpleNamespace(shape=shape)
            for name, shape in cameras.items()
        },
        robot_state_feature=six,
        action_feature=six,
    )


def test_loaded_policy_acts_as_the_saved_one(policy, statistics, tmp_path):
    folder = tmp_path / "pretrained_model"
    save_pretrained(policy, statistics, folder)
    actor = load_actor(folder)
    assert actor.controller.image_size == 64
    assert actor.controller.n_action_steps == 8
    assert actor.checkpoint_sha256 == digest_checkpoint(folder)
    images = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
    states = np.zeros((2, 6), np.float32)
    chunk = actor.controller.predict(images, states)
    assert chunk.shape == (2, 16, 6)
    np.testing.assert_array_equal(chunk, predict_chunk(policy, statistics, images, states))


def test_front_camera_is_enough(tmp_path):
    assert check_features(features(front=(3, 96, 96)), tmp_path) == 96


@pytest.mark.parametrize("cameras", [(), ("wrist",), ("front", "wrist")])
def test_other_cameras_are_refused(tmp_path, cameras):
    config = features(**dict.fromkeys(cameras, (3, 64, 64)))
    with pytest.raises(CheckpointError, match=r"cameras(.|\n)*config.json(.|\n)*images.front"):
        check_features(config, tmp_path)


def test_oblong_images_are_refused(tmp_path):
    with pytest.raises(CheckpointError, match=r"square(.|\n)*\[48, 64\]"):
        check_features(features(front=(3, 48, 64)), tmp_path)


def test_another_arm_is_refused(tmp_path):
    config = features(front=(3, 64, 64))
    config.action_feature = SimpleNamespace(shape=(7,))
    with pytest.raises(CheckpointError, match=r"joints(.|\n)*output_features.action(.|\n)*\[7\]"):
        check_features(config, tmp_path)
