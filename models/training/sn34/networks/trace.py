"""The small own networks that look for traces: an encoder, a dense decoder, and a detector that pools both."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from .blocks import HighPassStem, Residual, conv_bn, cut_centre, pad_to_multiple

STRIDE = 16
LARGEST_EDGE = 2048
"""Detectors judge the middle of what is larger, so that no picture takes long. Validators resize to no more."""


class TraceEncoder(nn.Module):
    """Convolutions over the high-pass residual of a picture at its own resolution.

    In: pixels `[N, 3, H, W]`, multiples of 16. Out: features at 1/4, 1/8 and 1/16 of the resolution.
    """

    def __init__(self, channels: Sequence[int], blocks: Sequence[int]) -> None:
        super().__init__()
        first, second, third, fourth = channels
        half, quarter, eighth, sixteenth = blocks
        self.stem = HighPassStem(first)
        self.halved = nn.Sequential(*(conv_bn(first, first) for _ in range(half)))
        self.quarter = _stage(first, second, quarter)
        self.eighth = _stage(second, third, eighth)
        self.sixteenth = _stage(third, fourth, sixteenth)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        quarter = self.quarter(self.halved(self.stem(pixels)))
        eighth = self.eighth(quarter)
        return quarter, eighth, self.sixteenth(eighth)


class DenseDecoder(nn.Module):
    """Brings the encoder's features together again: a feature map and one logit for each 4 x 4 pixels."""

    def __init__(self, channels: Sequence[int], width: int) -> None:
        super().__init__()
        self.laterals = nn.ModuleList(nn.Conv2d(count, width, 1) for count in channels[1:])
        self.coarse = conv_bn(width, width)
        self.fine = conv_bn(width, width)
        self.logit = nn.Conv2d(width, 1, 1)

    def forward(self, features: tuple[Tensor, Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """Features `[N, width, H / 8, W / 8]` and logits `[N, 1, H / 4, W / 4]`, above 0 where made."""
        quarter, eighth, sixteenth = (
            lateral(feature) for lateral, feature in zip(self.laterals, features, strict=True)
        )
        coarse = self.coarse(eighth + _double(sixteenth))
        fine = self.fine(quarter + _double(coarse))
        return coarse, self.logit(fine)


class TraceBackbone(nn.Module):
    """Encoder and decoder together: what segmenter and detectors share and hand on by `init_from`."""

    def __init__(
        self,
        channels: Sequence[int] = (16, 32, 48, 64),
        blocks: Sequence[int] = (1, 1, 1, 2),
        width: int = 32,
    ) -> None:
        super().__init__()
        self.encoder = TraceEncoder(channels, blocks)
        self.decoder = DenseDecoder(channels, width)
        self.feature_count = 2 * channels[-1] + 2 * width + 6

    def forward(self, pixels: Tensor) -> Tensor:
        """Logits `[N, 1, H / 4, W / 4]`, both edges padded to multiples of 16 before."""
        return self.decoder(self.encoder(pad_to_multiple(pixels, STRIDE)))[1]

    def pooled(self, pixels: Tensor) -> Tensor:
        """One row of features for each picture `[N, feature_count]`, whatever its size.

        Means and maxima of the features, and of the dense map its mean, extremes, spread and share of decided area:
        a picture made as a whole is high everywhere, a real one nowhere, and one with a made region both.
        """
        features = self.encoder(pad_to_multiple(cut_centre(pixels, LARGEST_EDGE), STRIDE))
        coarse, logits = self.decoder(features)
        confidence = torch.sigmoid(functional.avg_pool2d(logits, 4))
        mean = confidence.mean(dim=(2, 3))
        return torch.cat(
            [
                *_mean_and_max(features[2]),
                *_mean_and_max(coarse),
                mean,
                confidence.amax(dim=(2, 3)),
                confidence.amin(dim=(2, 3)),
                (confidence - mean[:, :, None, None]).abs().mean(dim=(2, 3)),
                torch.sigmoid((confidence - 0.8) * 16).mean(dim=(2, 3)),
                torch.sigmoid((0.2 - confidence) * 16).mean(dim=(2, 3)),
            ],
            dim=1,
        )


class TraceSegmenter(nn.Module):
    """Fully convolutional. In: pixels `[N, 3, H, W]`. Out: logits `[N, 1, H, W]`, above 0 where made."""

    def __init__(self, **backbone: object) -> None:
        super().__init__()
        self.backbone = TraceBackbone(**backbone)  # type: ignore[arg-type]

    def forward(self, pixels: Tensor) -> Tensor:
        logits = self.backbone(pixels)
        whole = functional.interpolate(logits, scale_factor=4.0, mode="bilinear", align_corners=False)
        return whole[:, :, : pixels.shape[2], : pixels.shape[3]]


class TraceDetector(nn.Module):
    """In: pixels `[N, 3, H, W]`. Out: logits `[N, 3]`: real, synthetic, semisynthetic."""

    def __init__(self, hidden: int = 64, dropout: float = 0.1, **backbone: object) -> None:
        super().__init__()
        self.backbone = TraceBackbone(**backbone)  # type: ignore[arg-type]
        self.head = nn.Sequential(
            nn.BatchNorm1d(self.backbone.feature_count),
            nn.Linear(self.backbone.feature_count, hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, 3),
        )

    def forward(self, pixels: Tensor) -> Tensor:
        return self.head(self.backbone.pooled(pixels))


def _stage(inputs: int, outputs: int, blocks: int) -> nn.Sequential:
    return nn.Sequential(conv_bn(inputs, outputs, stride=2), *(Residual(outputs) for _ in range(blocks)))


def _double(features: Tensor) -> Tensor:
    return functional.interpolate(features, scale_factor=2.0, mode="nearest")


def _mean_and_max(features: Tensor) -> tuple[Tensor, Tensor]:
    return features.mean(dim=(2, 3)), features.amax(dim=(2, 3))
