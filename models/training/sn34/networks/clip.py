"""Video detector: one encoder for every frame, and attention over what it saw in time."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .trace import TraceBackbone
from .vit import Block


class ClipDetector(nn.Module):
    """In: pixels `[N, T, 3, H, W]`. Out: logits `[N, 3]`: real, synthetic, semisynthetic.

    Each frame becomes a row of features. A block of attention lets frames be compared; then mean, extremes and the mean
    change between neighbours are judged, so that one made frame among real ones shows as well as flicker does.
    """

    def __init__(self, width: int = 64, heads: int = 4, dropout: float = 0.1, **backbone: object) -> None:
        super().__init__()
        self.backbone = TraceBackbone(**backbone)  # type: ignore[arg-type]
        self.project = nn.Sequential(
            nn.BatchNorm1d(self.backbone.feature_count),
            nn.Linear(self.backbone.feature_count, width),
            nn.ReLU(),
        )
        self.block = Block(width, heads)
        self.head = nn.Sequential(
            nn.LayerNorm(4 * width),
            nn.Dropout(dropout),
            nn.Linear(4 * width, width),
            nn.ReLU(),
            nn.Linear(width, 3),
        )

    def forward(self, pixels: Tensor) -> Tensor:
        count, frames = pixels.shape[:2]
        features = self.project(self.backbone.pooled(pixels.flatten(0, 1)))
        series = self.block(features.reshape(count, frames, -1))
        change = (series[:, 1:] - series[:, :-1]).abs().mean(dim=1)
        return self.head(torch.cat([series.mean(dim=1), series.amax(dim=1), series.amin(dim=1), change], dim=1))
