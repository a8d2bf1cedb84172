"""Parts that the networks share. Pictures are pixels of 0 to 255 in R, G, B, of any number type, as `[N, 3, H, W]`."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


def conv_bn(inputs: int, outputs: int, stride: int = 1, relu: bool = True) -> nn.Sequential:
    """A 3 x 3 convolution, batch norm and, unless told otherwise, ReLU."""
    layers: list[nn.Module] = [
        nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
        nn.BatchNorm2d(outputs),
    ]
    if relu:
        layers.append(nn.ReLU(inplace=True))
    return nn.Sequential(*layers)


class Residual(nn.Module):
    """Two 3 x 3 convolutions around a shortcut."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(conv_bn(channels, channels), conv_bn(channels, channels, relu=False))

    def forward(self, features: Tensor) -> Tensor:
        return functional.relu(features + self.body(features))


def pad_to_multiple(pixels: Tensor, multiple: int) -> Tensor:
    """Repeats the last row and column until both edges are multiples; any size of at least 1 x 1 is taken."""
    height, width = pixels.shape[-2], pixels.shape[-1]
    below = (multiple - height % multiple) % multiple
    right = (multiple - width % multiple) % multiple
    return functional.pad(pixels.float(), (0, right, 0, below), mode="replicate")


def cut_centre(pixels: Tensor, limit: int) -> Tensor:
    """The middle of a picture with an edge of more than `limit`, from a multiple of 16 on; others as they are."""
    top, left = (_margin(edge, limit) for edge in pixels.shape[2:])
    return pixels[:, :, top : top + limit, left : left + limit]


def _margin(edge: int, limit: int) -> Tensor:
    # Of tensors, not of Python's numbers: an exported graph computes it for each picture anew.
    return torch.clamp(torch.as_tensor(edge) - limit, min=0) // 32 * 16


class HighPassStem(nn.Module):
    """What neighbouring pixels leave unexplained, at half the resolution.

    Traces of cameras and generators are a few grey levels high and content is a hundred, so: each filter sums to zero
    over every colour (flat areas and brightness leave nothing), and `x / (1 + |x| / scale)` keeps small residuals
    as they are and bounds edges. The filters start as random high-pass ones and are learned.

    In: pixels `[N, 3, H, W]`, H and W even. Out: `[N, channels, H / 2, W / 2]`, about -1 to 1.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(channels, 3, 5, 5) * 0.25)
        self.log_scale = nn.Parameter(torch.full((1, channels, 1, 1), 1.5))

    def forward(self, pixels: Tensor) -> Tensor:
        weight = self.weight - self.weight.mean(dim=(2, 3), keepdim=True)
        padded = functional.pad(pixels.float(), (2, 2, 2, 2), mode="replicate")
        # Autocast would round pixels to 8 bits of mantissa, which are coarser than the traces.
        with torch.autocast(pixels.device.type, enabled=False):
            residual = functional.conv2d(padded, weight, stride=2)
            return residual / (self.log_scale.exp() + residual.abs())
