"""A tiny SmolVLA through everything that a policy goes through: build, save, read, act, adapt."""

from pathlib import Path

import numpy as np
import pytest
import torch

from fedarm import config_policies
from fedarm.errors import CheckpointError
from fedarm.policies.adapters import adapter_weights, add_adapters, load_adapters, merged
from fedarm.policies.checkpoint import (
    LoadedPolicy,
    adopt_pretrained,
    digest_checkpoint,
    load_pretrained,
    save_pretrained,
    sees,
)
from fedarm.policies.draws import flow_draws, flow_noise
from fedarm.policies.language import LANGUAGE_MASK, LANGUAGE_TOKENS, reader_of
from fedarm.policies.normalization import Normalizer, network_statistics, predict_chunk
from fedarm.policies.presets import PolicyFeatures, build_policy, so101_features

SMOLVLA = config_policies.SmolVLAPolicy(
    type="smolvla",
    vlm="tiny",
    chunk_size=4,
    n_action_steps=2,
    image_size=32,
    vlm_image_size=32,
    num_vlm_layers=2,
    max_state_dim=8,
    max_action_dim=8,
    tokenizer_max_length=24,
    num_steps=2,
)
CAMERA = "observation.images.front"
TASK = "Pick up the red cube and put it on the blue disc."


@pytest.fixture(scope="module", autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FEDARM_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def smolvla(_cache) -> LoadedPolicy:
    rng = np.random.default_rng(1)
    shapes = {"observation.state": (6,), "action": (6,), CAMERA: (3, 1, 1)}
    statistics = {
        key: {
            "mean": rng.normal(size=shape).astype(np.float32).astype(np.float64),
            "std": rng.uniform(0.5, 9, size=shape).astype(np.float32).astype(np.float64),
        }
        for key, shape in shapes.items()
    }
    return LoadedPolicy(build_policy(SMOLVLA, so101_features(32), seed=3).eval(), statistics)


@pytest.fixture(scope="module")
def checkpoint(smolvla: LoadedPolicy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("smolvla") / "pretrained_model"
    save_pretrained(smolvla.policy, smolvla.statistics, folder)
    return folder


def _observation(count: int = 3):
    rng = np.random.default_rng(5)
    images = rng.integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)
    return images, rng.normal(0, 20, (count, 6)).astype(np.float32)


def test_only_the_expert_is_trained(smolvla):
    trained = {name for name, value in smolvla.policy.named_parameters() if value.requires_grad}
    assert trained
    assert not any(".vlm." in name for name in trained)
    everything = build_policy(
        SMOLVLA.model_copy(update={"train_expert_only": False, "freeze_vision_encoder": False}),
        so101_features(32),
        seed=3,
    )
    assert any(".vlm." in n for n, value in everything.named_parameters() if value.requires_grad)


def test_loaded_and_saved_the_bytes_are_the_same(smolvla, checkpoint, tmp_path):
    loaded = load_pretrained(checkpoint, expected=SMOLVLA)
    for name, value in smolvla.policy.state_dict().items():
        assert torch.equal(loaded.policy.state_dict()[name], value)
    save_pretrained(loaded.policy, smolvla.statistics, tmp_path / "again")
    assert digest_checkpoint(tmp_path / "again") == digest_checkpoint(checkpoint)


def test_stock_lerobot_loads_it_and_its_processors_feed_it_the_same(smolvla, checkpoint):
    """One frame through LeRobot's own pipeline, and through ours, to the same tensors and actions."""
    from lerobot.policies.factory import make_pre_post_processors
    from lerobot.policies.smolvla.modeling_smolvla import SmolVLAPolicy

    stock = SmolVLAPolicy.from_pretrained(checkpoint, strict=True)
    pre, post = make_pre_post_processors(stock.config, pretrained_path=str(checkpoint))
    images, states = _observation(1)
    fed = pre(
        {
            CAMERA: torch.from_numpy(images[0]).permute(2, 0, 1) / 255,
            "observation.state": torch.from_numpy(states[0]),
            "task": TASK,
        }
    )
    ours = Normalizer(
        network_statistics(smolvla.policy, smolvla.statistics),
        cameras=[CAMERA],
        device=torch.device("cpu"),
    ).observation(images[:, None], states) | reader_of(smolvla.policy).tokens([TASK])
    for key in (CAMERA, "observation.state", LANGUAGE_TOKENS, LANGUAGE_MASK):
        torch.testing.assert_close(fed[key], ours[key], rtol=1e-6, atol=1e-6)
    chunk = stock.predict_action_chunk(fed, **flow_noise(stock, [0]))
    expected = post(chunk[0]).numpy()
    found = predict_chunk(smolvla.policy, smolvla.statistics, images, states, instruction=TASK)
    np.testing.assert_allclose(found[0], expected, rtol=1e-4, atol=1e-4)


def test_what_it_is_told_changes_what_it_does_and_nothing_else_does(smolvla):
    images, states = _observation()
    chunks = [
        predict_chunk(smolvla.policy, smolvla.statistics, images, states, instruction=text)
        for text in (TASK, TASK, TASK.replace("red", "orange"))
    ]
    np.testing.assert_array_equal(chunks[0], chunks[1])
    assert not np.array_equal(chunks[0], chunks[2])


def test_unknown_words_are_spelt(smolvla):
    tokens = [
        reader_of(smolvla.policy).tokens([text])[LANGUAGE_TOKENS].tolist()
        for text in ("fetch it", "catch it", "put it")
    ]
    assert len({str(each) for each in tokens}) == 3


def test_draws_belong_to_a_position_and_to_nothing_else(smolvla):
    torch.manual_seed(1)
    whole = flow_draws(smolvla.policy, range(5))
    torch.manual_seed(2)
    part = flow_draws(smolvla.policy, [3, 4])
    for name in ("noise", "time"):
        assert torch.equal(whole[name][3:], part[name])
    assert whole["noise"].shape == (5, 4, 8)
    assert 0.001 <= whole["time"].min() < whole["time"].max() <= 1.0


@pytest.mark.parametrize(
    ("key", "value"), [("vlm_image_size", 64), ("vlm", "some/model"), ("train_expert_only", False)]
)
def test_another_architecture_is_named(checkpoint, key, value):
    with pytest.raises(CheckpointError) as error:
        load_pretrained(checkpoint, expected=SMOLVLA.model_copy(update={key: value}))
    assert f"policy.{key}" in str(error.value)


def test_a_foundation_model_is_adopted_for_other_cameras(smolvla, checkpoint):
    features = PolicyFeatures(5, 7, ("observation.images.up", "observation.images.side"), 32)
    assert sees(checkpoint, so101_features(32))
    assert not sees(checkpoint, features)
    adopted = adopt_pretrained(checkpoint, policy=SMOLVLA, features=features)
    assert list(adopted.config.image_features) == list(features.cameras)
    for name, value in smolvla.policy.state_dict().items():
        assert torch.equal(adopted.state_dict()[name], value)


@pytest.fixture
def adapted(checkpoint):
    policy = load_pretrained(checkpoint, expected=SMOLVLA).policy
    add_adapters(policy, config_policies.Lora(rank=2, alpha=4.0), seed=5)
    return policy


def _changed(policy):
    with torch.no_grad():
        for name, value in policy.named_parameters():
            if "lora_B" in name:
                value.normal_(generator=torch.Generator().manual_seed(7))
    return policy


def test_adapters_alone_are_trained_and_change_nothing_at_first(smolvla, adapted):
    trained = {name for name, value in adapted.named_parameters() if value.requires_grad}
    assert trained == set(adapter_weights(adapted))
    counts = [
        sum(value.numel() for value in policy.parameters() if value.requires_grad)
        for policy in (adapted, smolvla.policy)
    ]
    assert 0 < counts[0] < 0.2 * counts[1]
    images, states = _observation()
    np.testing.assert_array_equal(
        predict_chunk(adapted, smolvla.statistics, images, states),
        predict_chunk(smolvla.policy, smolvla.statistics, images, states),
    )


def test_merged_adapters_are_an_ordinary_policy_that_does_the_same(smolvla, adapted, tmp_path):
    _changed(adapted)
    save_pretrained(merged(adapted), smolvla.statistics, tmp_path / "merged")
    loaded = load_pretrained(tmp_path / "merged", expected=SMOLVLA)
    images, states = _observation()
    expected = predict_chunk(adapted, smolvla.statistics, images, states)
    np.testing.assert_allclose(
        predict_chunk(loaded.policy, smolvla.statistics, images, states),
        expected,
        rtol=1e-3,
        atol=1e-3,
    )
    unadapted = predict_chunk(smolvla.policy, smolvla.statistics, images, states)
    assert np.abs(expected - unadapted).max() > 0.01
    # Merging leaves the adapted policy as it was.
    assert adapter_weights(adapted)


def test_adapters_are_restored_and_foreign_ones_refused(checkpoint, adapted):
    weights = adapter_weights(_changed(adapted))
    other = load_pretrained(checkpoint, expected=SMOLVLA).policy
    add_adapters(other, config_policies.Lora(rank=2, alpha=4.0), seed=6)
    load_adapters(other, weights)
    for name, value in adapter_weights(other).items():
        assert torch.equal(value, weights[name])
    with pytest.raises(CheckpointError, match="not those of this policy"):
        load_adapters(other, dict(list(weights.items())[1:]))


def test_merged_without_adapters_is_the_policy_itself(smolvla):
    assert merged(smolvla.policy) is smolvla.policy
