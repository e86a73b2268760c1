from typing import get_args

import torch

from fedarm import config_policies
from fedarm.policies.presets import PRESETS, PolicyFeatures, build_policy, so101_features

from .conftest import TINY


def _weights(seed: int) -> torch.Tensor:
    policy = build_policy(TINY, so101_features(32), seed=seed)
    return torch.cat([parameter.detach().ravel() for parameter in policy.parameters()])


def test_weights_are_a_function_of_the_seed_alone():
    torch.manual_seed(1)
    first = _weights(5)
    torch.manual_seed(2)
    assert torch.equal(first, _weights(5))
    assert not torch.equal(first, _weights(6))


def test_building_leaves_the_global_generator_as_it_was():
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    _weights(5)
    assert torch.equal(torch.rand(3), expected)


def test_every_type_of_the_configuration_can_be_built():
    union, _ = get_args(config_policies.Policy)
    types = {get_args(member.model_fields["type"].annotation)[0] for member in get_args(union)}
    assert set(PRESETS) == types


def test_the_features_decide_the_shapes():
    features = PolicyFeatures(
        state_joints=5,
        action_joints=7,
        cameras=("observation.images.up", "observation.images.side"),
        image_size=32,
    )
    policy = build_policy(TINY, features, seed=0)
    assert list(policy.config.image_features) == list(features.cameras)
    images = {camera: torch.zeros(2, 3, 32, 32) for camera in features.cameras}
    chunk = policy.predict_action_chunk({**images, "observation.state": torch.zeros(2, 5)})
    assert chunk.shape == (2, TINY.chunk_size, 7)


def test_the_lab_policy_has_under_a_million_parameters_and_no_variational_encoder():
    policy = build_policy(config_policies.ActPolicy(), so101_features(64), seed=0)
    assert sum(parameter.numel() for parameter in policy.parameters()) == 633_814
    assert not any("vae" in name for name, _ in policy.named_parameters())
