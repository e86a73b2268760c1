"""A narrow ResNet with GroupNorm, for small images and few processor cores.

LeRobot's ACT builds its backbone with `FrozenBatchNorm2d`, which suits pretrained weights; trained from
scratch it is no normalisation at all, and a ResNet-18 hardly learns. GroupNorm normalises in every
setting and keeps no running statistics, which federated averaging would have to average too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torchvision.models
from torch import nn
from torchvision.models.resnet import BasicBlock

NAME = "resnet_narrow_gn"

_WIDTHS = (16, 32, 64, 64)
_STRIDES = (1, 2, 2, 1)
_GROUPS = 8


class NarrowResNet(nn.Module):
    """A ResNet of one block a stage; the last feature map has 64 channels at a 16th of the size.

    ACT keeps the children up to `layer4`, in their order here, and asks `fc` for its width; `fc` itself
    is never used.

    Source:
        He et al. 2016, "Deep Residual Learning for Image Recognition"; Wu and He 2018, "Group
        Normalization".
    """

    def __init__(self) -> None:
        super().__init__()
        channels = _WIDTHS[0]
        self.conv1 = nn.Conv2d(3, channels, kernel_size=7, stride=2, padding=3, bias=False)
        self.norm1 = _group_norm(channels)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        for stage, (width, stride) in enumerate(zip(_WIDTHS, _STRIDES, strict=True), start=1):
            self.add_module(f"layer{stage}", _block(channels, width, stride))
            channels = width
        self.fc = nn.Linear(channels, 1)


def register_backbones() -> None:
    """Make the backbone known to LeRobot's ACT.

    ACT looks its backbone up by `getattr(torchvision.models, config.vision_backbone)`, and its
    configuration accepts only names that begin with `resnet`: there is no other hook.
    """
    setattr(torchvision.models, NAME, _build)


def _build(
    *, replace_stride_with_dilation: Sequence[bool], weights: None, norm_layer: Any
) -> NarrowResNet:
    """Build it from what ACT passes to torchvision's functions; ACT's choice of norm is overruled."""
    del norm_layer
    if any(replace_stride_with_dilation) or weights is not None:
        raise ValueError(f"{NAME} has neither dilation nor pretrained weights")
    return NarrowResNet()


def _group_norm(channels: int) -> nn.GroupNorm:
    return nn.GroupNorm(_GROUPS, channels)


def _block(channels: int, width: int, stride: int) -> BasicBlock:
    shortcut = None
    if stride != 1 or width != channels:
        shortcut = nn.Sequential(
            nn.Conv2d(channels, width, kernel_size=1, stride=stride, bias=False),
            _group_norm(width),
        )
    return BasicBlock(channels, width, stride, shortcut, norm_layer=_group_norm)
