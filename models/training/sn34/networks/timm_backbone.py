"""Any backbone of the `timm` library as a detector of pictures or clips, or as a segmenter's encoder."""

from __future__ import annotations

import functools
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..errors import TrainingError
from .blocks import conv_bn, pad_to_multiple

STRIDE = 32


@functools.cache
def _timm() -> Any:
    try:
        import timm
    except ImportError:
        raise TrainingError("a network timm:<backbone> needs the timm library: pip install timm") from None
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise TrainingError(f"the timm library cannot be loaded: {error}") from error
        # A torchvision that was built for another torch: its compiled operators are missing. No backbone calls
        # them, but torchvision's Python part stops unless these two have names.
        _declare_operators()
        import timm
    return timm


@functools.cache
def _declare_operators() -> torch.library.Library:
    library = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    return library


def create_backbone(name: str, pretrained: bool, weights: str, **options: Any) -> nn.Module:
    """A timm model without its head.

    Args:
        name: As `timm.list_models()` has it.
        pretrained: Fetch the weights that timm publishes; needs network.
        weights: A local file of weights (`.safetensors`, `.pt`) instead; empty for none.
        options: For `timm.create_model`.

    Raises:
        TrainingError: no library, no such model, weights that cannot be had
    """
    timm = _timm()
    if not timm.is_model(name):
        near = ", ".join(timm.list_models(f"*{name.split('_')[0]}*")[:6]) or "see timm.list_models()"
        raise TrainingError(f"timm has no model {name!r}; near it: {near}")
    overlay = {"pretrained_cfg_overlay": {"file": weights}} if weights else {}
    try:
        return timm.create_model(name, pretrained=pretrained or bool(weights), **overlay, **options)
    except (OSError, RuntimeError, ValueError) as error:
        raise TrainingError(
            f"timm:{name} cannot be made ({error}). Without network set model.options.pretrained to false, "
            "or name a local file in model.options.weights"
        ) from error


class Normalise(nn.Module):
    """Pixels of 0 to 255 to the mean and deviation that ImageNet weights expect."""

    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor([123.675, 116.28, 103.53])[None, :, None, None])
        self.register_buffer("std", torch.tensor([58.395, 57.12, 57.375])[None, :, None, None])

    def forward(self, pixels: Tensor) -> Tensor:
        return (pixels.float() - self.mean) / self.std


class TimmDetector(nn.Module):
    """In: pixels `[N, 3, H, W]`, or `[N, T, 3, H, W]` for the mean over frames. Out: logits `[N, 3]`."""

    def __init__(self, name: str, pretrained: bool = False, weights: str = "", **options: Any) -> None:
        super().__init__()
        self.normalise = Normalise()
        self.backbone = create_backbone(name, pretrained, weights, num_classes=3, **options)

    def forward(self, pixels: Tensor) -> Tensor:
        if pixels.ndim == 4:
            return self.backbone(self.normalise(pixels))
        logits = self.backbone(self.normalise(pixels.flatten(0, 1)))
        return logits.reshape(pixels.shape[0], pixels.shape[1], 3).mean(dim=1)


class TimmSegmenter(nn.Module):
    """A pyramid of a timm backbone's features, summed from coarse to fine. Out: logits `[N, 1, H, W]`."""

    def __init__(self, name: str, pretrained: bool = False, weights: str = "", width: int = 48, **options: Any) -> None:
        super().__init__()
        self.normalise = Normalise()
        self.backbone = create_backbone(name, pretrained, weights, features_only=True, **options)
        self.laterals = nn.ModuleList(
            nn.Conv2d(count, width, 1)
            for count in self.backbone.feature_info.channels()  # type: ignore[union-attr]
        )
        self.refine = nn.ModuleList(conv_bn(width, width) for _ in self.laterals)
        self.logit = nn.Conv2d(width, 1, 1)

    def forward(self, pixels: Tensor) -> Tensor:
        padded = pad_to_multiple(pixels, STRIDE)
        features = [
            lateral(feature)
            for lateral, feature in zip(self.laterals, self.backbone(self.normalise(padded)), strict=True)
        ]
        fused = self.refine[-1](features[-1])
        for feature, refine in zip(features[-2::-1], list(self.refine)[-2::-1], strict=True):
            fused = refine(feature + functional.interpolate(fused, scale_factor=2.0, mode="nearest"))
        logits = self.logit(fused)
        whole = functional.interpolate(logits, size=padded.shape[2:], mode="bilinear", align_corners=False)
        return whole[:, :, : pixels.shape[2], : pixels.shape[3]]
