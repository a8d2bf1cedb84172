"""What camera and generator share: the lens, how strong the noise is, and how light becomes 8-bit numbers."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]

_TONE_STEPS = 4096
_LEAST = -0.03
"""Least light that the tone curve tells from less: noise goes below zero."""
_BLACK, _WHITE = 0.012, 0.9
"""Light that is shown as 0, and as 255."""


@dataclass(frozen=True)
class Shot:
    """The settings of one picture or clip, drawn alike for every class.

    Attributes:
        blur: Standard deviation of the lens' blur in pixels.
        gains: White balance of R, G, B: what the sensor's values are multiplied by.
        shot_noise: Variance per unit of linear light before white balance.
        read_noise: Standard deviation in the dark before white balance.
        tone: Linear light from ``_LEAST`` to 1 at equal steps to numbers in [0, 255], float32 ``[4096]``.
    """

    blur: float
    gains: Floats
    shot_noise: float
    read_noise: float
    tone: Floats


def draw_shot(rng: np.random.Generator) -> Shot:
    """Draws a lens, a sensitivity and a tone curve."""
    # Blacks are lifted: a curve that is steep at zero would tear the noise's tails apart.
    toe = rng.uniform(0.04, 0.09)
    light = (np.linspace(_LEAST, 1, _TONE_STEPS) - _LEAST + toe) / (1 - _LEAST + toe)
    curve = light ** (1 / rng.uniform(1.9, 2.3))
    contrast = rng.uniform(0, 0.35)
    curve = (1 - contrast) * curve + contrast * curve * curve * (3 - 2 * curve)
    # Specks of no light and of full light end at 0 and at 255, noise or not.
    black, white = np.interp([_BLACK, _WHITE], np.linspace(_LEAST, 1, _TONE_STEPS), curve)
    curve = (curve - black) / (white - black)
    return Shot(
        blur=rng.uniform(0.5, 0.9),
        gains=np.array([rng.uniform(1.2, 1.7), 1.0, rng.uniform(1.2, 1.7)], np.float32),
        shot_noise=float(np.exp(rng.uniform(np.log(0.004), np.log(0.011)))),
        read_noise=rng.uniform(0.005, 0.009),
        tone=(curve.clip(0, 1) * 255).astype(np.float32),
    )


def through_lens(light: Floats, shot: Shot) -> Floats:
    """Blurs linear light as the lens does; shapes stay."""
    return cv2.GaussianBlur(light, (0, 0), shot.blur)


def noise_deviation(light: Floats, shot: Shot) -> Floats:
    """Standard deviation of a white-balanced sensor's noise at each value of ``light`` ``[h, w, 3]``."""
    return np.sqrt(light * (shot.gains * np.float32(shot.shot_noise)) + (shot.gains * np.float32(shot.read_noise)) ** 2)


def develop(light: Floats, shot: Shot) -> Floats:
    """Applies the tone curve: linear light to display values, float32 in [0, 255], same shape."""
    step = (light - np.float32(_LEAST)) * np.float32((_TONE_STEPS - 1) / (1 - _LEAST)) + np.float32(0.5)
    return shot.tone[np.clip(step, 0, _TONE_STEPS - 1).astype(np.int32)]


def to_bytes(display: Floats) -> Bytes:
    """Rounds display values to uint8."""
    return np.clip(np.rint(display), 0, 255).astype(np.uint8)
