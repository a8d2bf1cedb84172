"""Real pictures: a colour filter before the sensor, its noise, and the interpolation of the missing colours."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from .optics import Floats, Shot, noise_deviation

_RED_BLUE = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]], np.float32) / 4
_GREEN = np.array([[0, 1, 0], [1, 4, 1], [0, 1, 0]], np.float32) / 4


def bayer_filter(height: int, width: int, phase: int) -> NDArray[np.bool_]:
    """Which colour each pixel of the sensor sees, ``[height, width, 3]``; ``phase`` 0 to 3 shifts the pattern."""
    y = (np.arange(height)[:, None] + phase // 2) % 2
    x = (np.arange(width)[None, :] + phase % 2) % 2
    red, blue = (y == 0) & (x == 0), (y == 1) & (x == 1)
    return np.stack([red, ~(red | blue), blue], axis=2)


def demosaic(sensor: Floats) -> Floats:
    """Fills the colours that the filter held back, bilinearly.

    Args:
        sensor: ``[h, w, 3]``, zero where a pixel did not see the colour.

    Returns:
        ``[h, w, 3]``, the neighbours' means in place of the zeros.
    """
    return _filtered(sensor, (_RED_BLUE, _GREEN, _RED_BLUE))


def smoothed(light: Floats) -> Floats:
    """Light as soft as interpolated colours are, without their pattern: the mean over all phases of the filter."""
    return _filtered(light, (_RED_BLUE / 4, _GREEN / 2, _RED_BLUE / 4))


def _filtered(picture: Floats, kernels: tuple[Floats, Floats, Floats]) -> Floats:
    """Filters each colour by its own kernel."""
    planes = zip(cv2.split(picture), kernels, strict=True)
    return cv2.merge([cv2.filter2D(plane, -1, kernel) for plane, kernel in planes])


def photograph(light: Floats, shot: Shot, phase: int, rng: np.random.Generator, fixed: Floats | None = None) -> Floats:
    """Takes a picture of light that has come through the lens.

    Args:
        light: Linear light ``[h, w, 3]``.
        shot: The settings.
        phase: Of the colour filter, 0 to 3.
        rng: Where the noise comes from.
        fixed: Fixed pattern of the sensor, ``[h, w]`` in standard deviations of the noise; None for none.

    Returns:
        Linear light as the sensor saw it, ``[h, w, 3]``.
    """
    height, width = light.shape[:2]
    seen = bayer_filter(height, width, phase)
    noise = rng.standard_normal((height, width), dtype=np.float32)
    if fixed is not None:
        noise += fixed
    return demosaic((light + noise_deviation(light, shot) * noise[..., None]) * seen)
