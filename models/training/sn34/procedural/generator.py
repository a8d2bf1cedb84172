"""Synthetic pictures: decoded from a coarse latent grid by upsampling layers whose weights are not quite right.

Instead of a sensor's noise they carry grain of the same strength that was drawn on the latent grid: where a camera's
noise is fine and independent, a generator's is coarse and repeats the period of its layers.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .camera import smoothed
from .optics import Floats, Shot, noise_deviation

_LEVELS = 3
"""Doublings from the latent grid to pixels: the latent is an eighth of the picture."""
_TENT = np.array([1, 3, 3, 1], np.float32) / 4
_STRIDE = 1 << _LEVELS
_STRENGTH = np.array([0.605, 0.59, 0.61], np.float32)
"""Grain over a sensor's noise, in R, G, B: the part of the noise that colour interpolation and a stored JPEG leave."""
_TAILS = np.array([0.006, 0.001, 0.006], np.float32)
"""How much grain is held back far from its mean, so that its distribution ends where the stored noise's does."""
_ALIKE = 0.42
"""Share of the grain's variance that R, G and B have in common, as in a stored real picture."""


@dataclass(frozen=True)
class Decoder:
    """A generator's upsampling layers.

    Attributes:
        kernels: One transposed convolution of stride 2 per level, ``[4, 4]``, coarsest first.
        keep: Factor of each level's detail in its skip connection, around 1, coarsest first.
        fine_grain: Share of the grain's variance that is drawn at a quarter instead of an eighth, in [0, 1].
    """

    kernels: tuple[Floats, ...]
    keep: tuple[float, ...]
    fine_grain: float


def draw_decoder(rng: np.random.Generator) -> Decoder:
    """Draws layers near the ideal: their weights are off by some per cent, so that they leave a checkerboard."""
    kernels = []
    for _ in range(_LEVELS):
        kernel = np.outer(_TENT, _TENT) * (1 + rng.normal(0, 0.05, (4, 4)).clip(-0.1, 0.1))
        kernels.append((kernel * (4 / kernel.sum())).astype(np.float32))
    keep = tuple(rng.uniform(1 - error, 1 + error) for error in (0.05, 0.1, 0.2))
    return Decoder(tuple(kernels), keep, rng.uniform(0.0, 0.2))


def upsample(coarse: Floats, kernel: Floats) -> Floats:
    """Transposed convolution of stride 2: ``[h, w, c]`` to ``[2h, 2w, c]``."""
    height, width = coarse.shape[:2]
    spread = np.zeros((2 * height, 2 * width, coarse.shape[2]), np.float32)
    spread[::2, ::2] = coarse
    # Edges repeat, or the border would darken.
    spread = cv2.copyMakeBorder(spread, 2, 2, 2, 2, cv2.BORDER_REFLECT_101)
    filtered = cv2.filter2D(spread, -1, kernel, anchor=(2, 2))
    return filtered[2:-2, 2:-2]


def _pad(picture: Floats) -> Floats:
    """Repeats the edges until both sides are multiples of the latent's stride."""
    height, width = picture.shape[:2]
    return cv2.copyMakeBorder(picture, 0, -height % _STRIDE, 0, -width % _STRIDE, cv2.BORDER_REFLECT_101)


def decode(light: Floats, decoder: Decoder) -> Floats:
    """Passes light through the latent grid and back: ``[h, w, 3]`` to ``[h, w, 3]``."""
    height, width = light.shape[:2]
    ideal = np.outer(_TENT, _TENT)
    pyramid = [_pad(light)]
    for _ in range(_LEVELS):
        pyramid.append(cv2.resize(pyramid[-1], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
    decoded = pyramid[-1]
    for kernel, keep, finer, coarser in zip(
        decoder.kernels, decoder.keep, pyramid[-2::-1], pyramid[:0:-1], strict=True
    ):
        detail = finer - upsample(coarser, ideal)
        decoded = upsample(decoded, kernel) + np.float32(keep) * detail
    return decoded[:height, :width]


def grain(latents: tuple[Floats, Floats], decoder: Decoder, height: int, width: int) -> Floats:
    """Decodes noise of the latent grids into grain.

    Args:
        latents: Unit noise at an eighth and at a quarter of the picture, as `draw_latents` gives.
        decoder: The layers.
        height: Of the picture, pixels.
        width: Of the picture, pixels.

    Returns:
        Grain of about unit deviation, float32 ``[height, width, 3]``.
    """
    eighth, quarter = latents
    share = np.float32(decoder.fine_grain)
    decoded = upsample(eighth, decoder.kernels[0])
    decoded = np.sqrt(1 - share) * decoded / decoded.std() + np.sqrt(share) * quarter
    for kernel in decoder.kernels[1:]:
        decoded = upsample(decoded, kernel)
    decoded = decoded[:height, :width] / decoded.std()
    return decoded - _TAILS * decoded * (decoded * decoded - 3)


def draw_latents(rng: np.random.Generator, height: int, width: int) -> tuple[Floats, Floats]:
    """Draws unit noise on the grids of an eighth and of a quarter of the picture.

    The coarse one is freed of what is coarser still, which would show in a thumbnail.
    """
    rows, columns = -(-height // _STRIDE), -(-width // _STRIDE)
    eighth = _coloured_noise(rng, rows, columns)
    eighth -= cv2.blur(eighth, (3, 3))
    return eighth, _coloured_noise(rng, 2 * rows, 2 * columns)


def _coloured_noise(rng: np.random.Generator, rows: int, columns: int) -> Floats:
    """Unit noise ``[rows, columns, 3]`` whose colours are partly alike."""
    common = rng.standard_normal((rows, columns, 1), dtype=np.float32)
    own = rng.standard_normal((rows, columns, 3), dtype=np.float32)
    return np.float32(_ALIKE**0.5) * common + np.float32((1 - _ALIKE) ** 0.5) * own


def generate(light: Floats, shot: Shot, decoder: Decoder, latents: tuple[Floats, Floats]) -> Floats:
    """Makes a synthetic picture of light that has come through the lens; linear light ``[h, w, 3]``.

    Generators learn from photographs: theirs are as soft, without the pattern of a colour filter.
    """
    height, width = light.shape[:2]
    strength = noise_deviation(light, shot) * _STRENGTH
    return decode(smoothed(light), decoder) + strength * grain(latents, decoder, height, width)
