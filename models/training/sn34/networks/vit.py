"""A small vision transformer over the high-pass residual, and a dense-prediction transformer on top of one."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from .blocks import HighPassStem, conv_bn, pad_to_multiple

PATCH = 16


class Attention(nn.Module):
    """Multi-head self-attention, written out so that it exports to plain ONNX operators. `[N, L, width]` both ways."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.scale = (width // heads) ** -0.5
        self.projections = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        count, length, width = tokens.shape
        parts = self.projections(tokens).reshape(count, length, 3, self.heads, width // self.heads)
        queries, keys, values = parts.permute(2, 0, 3, 1, 4).unbind(0)
        weights = torch.softmax(queries @ keys.transpose(-2, -1) * self.scale, dim=-1)
        return self.out((weights @ values).transpose(1, 2).reshape(count, length, width))


class Block(nn.Module):
    """Attention and a two-layer perceptron, each normalised before and added to its input."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.attention = nn.Sequential(nn.LayerNorm(width), Attention(width, heads))
        self.perceptron = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
        )

    def forward(self, tokens: Tensor) -> Tensor:
        tokens = tokens + self.attention(tokens)
        return tokens + self.perceptron(tokens)


class VitEncoder(nn.Module):
    """Tokens of 16 x 16 pixels, cut out by convolutions, through blocks of attention.

    Positions come from a depthwise convolution over the grid of tokens, so that any size of picture is taken.
    In: pixels `[N, 3, H, W]`, multiples of 16. Out: the grid `[N, width, H / 16, W / 16]` after each block.
    """

    def __init__(self, width: int, depth: int, heads: int, stem: int = 16) -> None:
        super().__init__()
        self.patches = nn.Sequential(
            HighPassStem(stem),
            conv_bn(stem, 2 * stem, stride=2),
            conv_bn(2 * stem, 3 * stem, stride=2),
            nn.Conv2d(3 * stem, width, 3, 2, 1),
        )
        self.positions = nn.Conv2d(width, width, 3, 1, 1, groups=width)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(depth))

    def forward(self, pixels: Tensor) -> list[Tensor]:
        grid = self.patches(pixels)
        grid = grid + self.positions(grid)
        count, width, rows, columns = grid.shape
        tokens = grid.flatten(2).transpose(1, 2)
        grids = []
        for block in self.blocks:
            tokens = block(tokens)
            grids.append(tokens.transpose(1, 2).reshape(count, width, rows, columns))
        return grids


class VitDetector(nn.Module):
    """In: pixels `[N, 3, H, W]`. Out: logits `[N, 3]`: real, synthetic, semisynthetic.

    Attention costs the square of the tokens, so give it a size in model.json.
    """

    def __init__(self, width: int = 128, depth: int = 4, heads: int = 4, dropout: float = 0.1) -> None:
        super().__init__()
        self.encoder = VitEncoder(width, depth, heads)
        self.norm = nn.LayerNorm(2 * width)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(2 * width, 3))

    def forward(self, pixels: Tensor) -> Tensor:
        grid = self.encoder(pad_to_multiple(pixels, PATCH))[-1]
        pooled = torch.cat([grid.mean(dim=(2, 3)), grid.amax(dim=(2, 3))], dim=1)
        return self.head(self.norm(pooled))


class DptSegmenter(nn.Module):
    """Dense-prediction transformer: grids from several depths are reassembled at several scales and fused.

    In: pixels `[N, 3, H, W]`. Out: logits `[N, 1, H, W]`, above 0 where made.
    """

    def __init__(self, width: int = 128, depth: int = 4, heads: int = 4, fusion: int = 48) -> None:
        super().__init__()
        self.encoder = VitEncoder(width, depth, heads)
        self.taps = [depth // 3, 2 * depth // 3, depth - 1]
        # Reassembled at 1/4, 1/8 and 1/16 of the picture, shallow to deep.
        self.reassemble = nn.ModuleList(
            [
                nn.ConvTranspose2d(width, fusion, 4, 4),
                nn.ConvTranspose2d(width, fusion, 2, 2),
                nn.Conv2d(width, fusion, 1),
            ]
        )
        self.fuse = nn.ModuleList(conv_bn(fusion, fusion) for _ in range(3))
        self.logit = nn.Conv2d(fusion, 1, 1)

    def forward(self, pixels: Tensor) -> Tensor:
        grids = self.encoder(pad_to_multiple(pixels, PATCH))
        scales = [part(grids[tap]) for part, tap in zip(self.reassemble, self.taps, strict=True)]
        logits = self.logit(_fuse(scales, self.fuse))
        whole = functional.interpolate(logits, scale_factor=4.0, mode="bilinear", align_corners=False)
        return whole[:, :, : pixels.shape[2], : pixels.shape[3]]


def _fuse(scales: Sequence[Tensor], layers: nn.ModuleList) -> Tensor:
    """From the deepest scale on: refine, double, add the next finer one."""
    fine, middle, coarse = scales
    refine_fine, refine_middle, refine_coarse = layers
    fused = refine_middle(middle + _double(refine_coarse(coarse)))
    return refine_fine(fine + _double(fused))


def _double(features: Tensor) -> Tensor:
    return functional.interpolate(features, scale_factor=2.0, mode="nearest")
