import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from fedarm.errors import CheckpointError
from fedarm.policies.checkpoint import (
    LoadedPolicy,
    digest_checkpoint,
    fetch_pretrained,
    load_pretrained,
    save_pretrained,
)
from fedarm.policies.presets import build_policy, so101_features

from .conftest import TINY

LAYOUT = {
    "config.json",
    "model.safetensors",
    "policy_preprocessor.json",
    "policy_preprocessor_step_3_normalizer_processor.safetensors",
    "policy_postprocessor.json",
    "policy_postprocessor_step_0_unnormalizer_processor.safetensors",
}


def test_the_layout_is_lerobots_and_readable_by_all(checkpoint: Path):
    assert {file.name for file in checkpoint.iterdir()} == LAYOUT
    assert {file.stat().st_mode & 0o777 for file in checkpoint.iterdir()} == {0o644}


def test_saved_twice_the_bytes_are_the_same(tiny: LoadedPolicy, checkpoint: Path, tmp_path: Path):
    save_pretrained(tiny.policy, tiny.statistics, tmp_path / "again")
    assert digest_checkpoint(tmp_path / "again") == digest_checkpoint(checkpoint)


def test_loaded_and_saved_the_bytes_are_the_same(checkpoint: Path, tmp_path: Path):
    loaded = load_pretrained(checkpoint, expected=TINY)
    save_pretrained(loaded.policy, loaded.statistics, tmp_path / "again")
    assert digest_checkpoint(tmp_path / "again") == digest_checkpoint(checkpoint)


def test_what_was_saved_is_loaded(tiny: LoadedPolicy, checkpoint: Path):
    torch.manual_seed(0)
    expected_draw = torch.rand(1)
    torch.manual_seed(0)
    loaded = load_pretrained(checkpoint, expected=TINY)
    assert torch.equal(torch.rand(1), expected_draw)
    assert not loaded.policy.training
    for name, value in tiny.policy.state_dict().items():
        assert torch.equal(loaded.policy.state_dict()[name], value)
    for feature, moments in tiny.statistics.items():
        for name, values in moments.items():
            np.testing.assert_array_equal(loaded.statistics[feature][name], values)


def test_stock_lerobot_loads_it(tiny: LoadedPolicy, checkpoint: Path):
    from lerobot.configs.parser import load_plugin
    from lerobot.policies.act.modeling_act import ACTPolicy
    from lerobot.processor import PolicyProcessorPipeline

    load_plugin("fedarm.policies")
    stock = ACTPolicy.from_pretrained(checkpoint, strict=True)
    for name, value in tiny.policy.state_dict().items():
        assert torch.equal(stock.state_dict()[name], value)
    for name in ("policy_preprocessor.json", "policy_postprocessor.json"):
        PolicyProcessorPipeline.from_pretrained(checkpoint, config_filename=name)


def test_the_digest_sees_every_file(checkpoint: Path):
    digests = {digest_checkpoint(checkpoint)}
    for name in LAYOUT:
        file = checkpoint / name
        content = file.read_bytes()
        file.write_bytes(content + b" ")
        digests.add(digest_checkpoint(checkpoint))
        file.write_bytes(content)
    assert len(digests) == 1 + len(LAYOUT)


def test_loading_leaves_no_temporary_file(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    load_pretrained(checkpoint, expected=None)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("dim_model", 32),
        ("chunk_size", 8),
        ("n_action_steps", 3),
        ("image_size", 64),
        ("dropout", 0.5),
        ("vision_backbone", "resnet18"),
    ],
)
def test_another_architecture_is_named(checkpoint: Path, key: str, value: object):
    stored = getattr(TINY, key)
    with pytest.raises(CheckpointError) as error:
        load_pretrained(checkpoint, expected=TINY.model_copy(update={key: value}))
    message = str(error.value)
    assert f"policy.{key}" in message
    assert repr(value) in message
    assert repr(stored) in message
    assert str(checkpoint / "config.json") in message


@pytest.mark.parametrize("name", sorted(LAYOUT - {name for name in LAYOUT if "post" in name}))
def test_a_missing_file_is_named(checkpoint: Path, name: str):
    (checkpoint / name).unlink()
    with pytest.raises(CheckpointError, match="a file is missing") as error:
        load_pretrained(checkpoint, expected=None)
    assert str(checkpoint / name) in str(error.value)


@pytest.mark.parametrize("name", sorted(LAYOUT - {name for name in LAYOUT if "post" in name}))
def test_a_truncated_file_is_named(checkpoint: Path, name: str):
    file = checkpoint / name
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(CheckpointError) as error:
        load_pretrained(checkpoint, expected=None)
    assert str(file) in str(error.value)


def test_weights_of_another_size_than_the_configuration_are_refused(
    checkpoint: Path, tmp_path: Path, tiny: LoadedPolicy
):
    wider = build_policy(TINY.model_copy(update={"dim_model": 32}), so101_features(32), seed=0)
    save_pretrained(wider, tiny.statistics, tmp_path / "wider")
    shutil.copy(tmp_path / "wider" / "model.safetensors", checkpoint / "model.safetensors")
    with pytest.raises(CheckpointError, match="weights are broken or of another architecture"):
        load_pretrained(checkpoint, expected=TINY)


def _edit(file: Path, **changes: object) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def test_another_normalisation_is_refused(checkpoint: Path):
    for mapping in ({"VISUAL": "MIN_MAX"}, {"VISUAL": "MEAN_STD", "STATE": "IDENTITY"}):
        _edit(checkpoint / "config.json", normalization_mapping=mapping)
        with pytest.raises(CheckpointError, match="only normalisation by mean") as error:
            load_pretrained(checkpoint, expected=None)
        assert str([*mapping.values()][-1]) in str(error.value)


def test_an_unknown_policy_type_is_named(checkpoint: Path):
    _edit(checkpoint / "config.json", type="no_such_policy")
    with pytest.raises(CheckpointError, match="not a policy's configuration") as error:
        load_pretrained(checkpoint, expected=None)
    assert "no_such_policy" in str(error.value)


def test_a_preprocessor_without_statistics_is_refused(checkpoint: Path):
    _edit(checkpoint / "policy_preprocessor.json", steps=[])
    with pytest.raises(CheckpointError, match="no statistics"):
        load_pretrained(checkpoint, expected=None)


def test_a_failed_save_leaves_the_old_checkpoint(
    tiny: LoadedPolicy, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
):
    before = digest_checkpoint(checkpoint)

    def fail(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(tiny.policy, "save_pretrained", fail)
    with pytest.raises(KeyboardInterrupt):
        save_pretrained(tiny.policy, tiny.statistics, checkpoint)
    assert digest_checkpoint(checkpoint) == before
    assert [path.name for path in checkpoint.parent.iterdir()] == [checkpoint.name]


def test_a_checkpoint_that_the_hub_does_not_give_is_named(monkeypatch: pytest.MonkeyPatch):
    import huggingface_hub
    from huggingface_hub.errors import LocalEntryNotFoundError

    def fail(*args: object, **kwargs: object) -> str:
        raise LocalEntryNotFoundError("no network")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fail)
    with pytest.raises(CheckpointError, match="no network") as error:
        fetch_pretrained("someone/policy", "abc123")
    assert "someone/policy@abc123" in str(error.value)
