"""LeRobot's own saved pipelines are the reference."""

from pathlib import Path

import numpy as np
import pytest
import torch

from fedarm.policies.checkpoint import LoadedPolicy
from fedarm.policies.normalization import Normalizer, predict_chunk

from .conftest import CAMERA

CPU = torch.device("cpu")
SAMPLES = 5


@pytest.fixture
def samples() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        "images": rng.integers(0, 256, (SAMPLES, 32, 32, 3), dtype=np.uint8),
        "state": rng.normal(0, 60, (SAMPLES, 6)).astype(np.float32),
        "action": rng.normal(0, 60, (SAMPLES, 4, 6)).astype(np.float32),
    }


def _stock_batch(samples: dict[str, np.ndarray]) -> dict[str, torch.Tensor]:
    """The samples as LeRobot's dataset gives them: pixels in [0, 1], channels first."""
    # Contiguous, because a convolution's last bits depend on the layout in memory.
    pixels = torch.from_numpy(samples["images"]).permute(0, 3, 1, 2).contiguous().float() / 255
    return {
        CAMERA: pixels,
        "observation.state": torch.from_numpy(samples["state"]),
        "action": torch.from_numpy(samples["action"]),
    }


def _stock_pipelines(tiny: LoadedPolicy, checkpoint: Path):
    from lerobot.policies.factory import make_pre_post_processors

    return make_pre_post_processors(tiny.policy.config, pretrained_path=str(checkpoint))


def test_inputs_are_bit_for_bit_those_of_the_saved_preprocessor(tiny, checkpoint, samples):
    expected = _stock_pipelines(tiny, checkpoint)[0](_stock_batch(samples))
    normalizer = Normalizer(tiny.statistics, cameras=(CAMERA,), device=CPU)
    seen = normalizer.observation(samples["images"][:, None], samples["state"])
    assert torch.equal(seen[CAMERA], expected[CAMERA])
    assert torch.equal(seen["observation.state"], expected["observation.state"])
    assert torch.equal(normalizer.action(samples["action"]), expected["action"])


def test_predictions_are_those_of_stock_lerobot(tiny, checkpoint, samples):
    from lerobot.policies.act.modeling_act import ACTPolicy

    preprocess, postprocess = _stock_pipelines(tiny, checkpoint)
    stock = ACTPolicy.from_pretrained(checkpoint)
    expected = postprocess(stock.predict_action_chunk(preprocess(_stock_batch(samples))))
    chunk = predict_chunk(tiny.policy, tiny.statistics, samples["images"], samples["state"])
    assert chunk.shape == (SAMPLES, 4, 6)
    np.testing.assert_array_equal(chunk, expected.numpy())


def test_normalised_actions_come_back(tiny, samples):
    normalizer = Normalizer(tiny.statistics, cameras=(CAMERA,), device=CPU)
    restored = normalizer.physical_action(normalizer.action(samples["action"]))
    np.testing.assert_allclose(restored.numpy(), samples["action"], rtol=1e-5, atol=1e-4)


def test_the_samples_are_not_changed(tiny, samples):
    before = {key: value.copy() for key, value in samples.items()}
    normalizer = Normalizer(tiny.statistics, cameras=(CAMERA,), device=CPU)
    normalizer.observation(samples["images"][:, None], samples["state"])
    normalizer.action(samples["action"])
    for key, value in samples.items():
        np.testing.assert_array_equal(value, before[key])


def test_each_camera_has_its_own_statistics():
    moments = {"mean": np.zeros(6), "std": np.ones(6)}
    statistics = {
        "observation.state": moments,
        "action": moments,
        "up": {"mean": np.full((3, 1, 1), 0.2), "std": np.full((3, 1, 1), 0.4)},
        "side": {"mean": np.full((3, 1, 1), 1.0), "std": np.full((3, 1, 1), 2.0)},
    }
    normalizer = Normalizer(statistics, cameras=("up", "side"), device=CPU)
    images = np.zeros((1, 2, 2, 2, 3), np.uint8)
    images[:, 0] = 255
    seen = normalizer.observation(images, np.zeros((1, 6), np.float32))
    # (255/255 - 0.2) / 0.4 and (0/255 - 1) / 2
    np.testing.assert_allclose(seen["up"], np.full((1, 3, 2, 2), 2.0), rtol=1e-6)
    np.testing.assert_allclose(seen["side"], np.full((1, 3, 2, 2), -0.5), rtol=1e-6)
