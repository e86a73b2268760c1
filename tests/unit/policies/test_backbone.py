import pytest
import torch
import torchvision.models
from torch import nn

import fedarm.policies.backbone as backbone


def _build(**changes: object) -> nn.Module:
    arguments = {
        "replace_stride_with_dilation": [False, False, False],
        "weights": None,
        "norm_layer": nn.BatchNorm2d,
    }
    return getattr(torchvision.models, backbone.NAME)(**(arguments | changes))


def test_act_finds_a_feature_map_of_64_channels_at_a_16th_of_the_size():
    from torchvision.models._utils import IntermediateLayerGetter

    network = _build()
    getter = IntermediateLayerGetter(network, return_layers={"layer4": "feature_map"})
    features = getter(torch.zeros(2, 3, 64, 96))["feature_map"]
    assert features.shape == (2, network.fc.in_features, 4, 6)
    assert network.fc.in_features == 64


def test_it_is_normalised_by_groups_whatever_norm_is_asked_for():
    network = _build(norm_layer=nn.BatchNorm2d)
    norms = [module for module in network.modules() if "Norm" in type(module).__name__]
    # One after the stem, two a block, and one in each of the two shortcuts.
    assert len(norms) == 1 + 2 * 4 + 2
    assert all(isinstance(module, nn.GroupNorm) for module in norms)
    # Running statistics would be buffers, and federated averaging moves parameters only.
    assert list(network.buffers()) == []


@pytest.mark.parametrize(
    "changes",
    [{"weights": "IMAGENET1K_V1"}, {"replace_stride_with_dilation": [False, False, True]}],
)
def test_what_it_cannot_do_is_refused(changes: dict[str, object]):
    with pytest.raises(ValueError, match="neither dilation nor pretrained"):
        _build(**changes)
