"""Scenes in linear light: the same distribution for every class, so that nothing but the traces tells."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import fft

Floats = NDArray[np.float32]

_DARKEST = (0.06, 0.25)
_BRIGHTEST = (0.35, 0.75)
"""Linear light stays between two values, drawn per picture from these: noise that is clipped away is no trace, and
a black that is the same everywhere would show the noise's tails in a histogram."""


def band_noise(rng: np.random.Generator, height: int, width: int, scale: float, slope: float = 4.0) -> Floats:
    """Noise without mean, of unit variance, whose power falls off beyond one cycle per ``scale`` pixels.

    Filtered in the frequency domain, since interpolating a coarse grid would leave a generator's traces.

    Args:
        rng: Where the randomness comes from.
        height: Pixels.
        width: Pixels.
        scale: Size of the smallest blobs in pixels, above 1.
        slope: Exponent of the fall; 2 is rough like clouds, 6 smooth like velvet.

    Returns:
        float32 ``[height, width]``.
    """
    rows, columns = fft.next_fast_len(height, real=True), fft.next_fast_len(width, real=True)
    spectrum = fft.rfft2(rng.standard_normal((rows, columns), dtype=np.float32))
    fy = fft.fftfreq(rows).astype(np.float32)[:, None]
    fx = fft.rfftfreq(columns).astype(np.float32)[None, :]
    spectrum *= (1.0 + (fy * fy + fx * fx) * np.float32(scale * scale)) ** np.float32(-slope / 4)
    spectrum[0, 0] = 0
    noise = fft.irfft2(spectrum, s=(rows, columns))[:height, :width]
    return (noise / max(float(noise.std()), 1e-6)).astype(np.float32)


def _colour(rng: np.random.Generator) -> Floats:
    """A colour in linear light, ``[3]``: any hue, mostly muted, any brightness."""
    brightness = np.exp(rng.uniform(np.log(0.07), np.log(0.6)))
    tint = np.exp(rng.normal(0, 0.35, 3))
    return (brightness * tint / tint.mean()).astype(np.float32)


def _across(angle: float, height: int, width: int) -> Floats:
    """How far each pixel lies along a direction, from the top left corner, ``[height, width]`` in pixels."""
    y = np.arange(height, dtype=np.float32)[:, None] * np.float32(np.sin(angle))
    return y + np.arange(width, dtype=np.float32)[None, :] * np.float32(np.cos(angle))


def _ramp(angle: float, height: int, width: int) -> Floats:
    """A plane that rises from about -1 to 1 along a direction, ``[height, width, 1]``."""
    across = _across(angle, height, width)
    across -= across[height // 2, width // 2]
    across *= np.float32(2 / np.hypot(height, width))
    return across[..., None]


def _stripes(rng: np.random.Generator, height: int, width: int) -> Floats:
    """Parallel soft stripes, ``[height, width]`` in [-1, 1]."""
    period, phase = np.exp(rng.uniform(np.log(7), np.log(48))), np.float32(rng.uniform(0, 2 * np.pi))
    across = _across(rng.uniform(0, np.pi), height, width) * np.float32(2 * np.pi / period) + phase
    return np.tanh(np.sin(across) * np.float32(rng.uniform(0.8, 4.0)))


def _texture(rng: np.random.Generator, height: int, width: int) -> Floats:
    """What a surface looks like: a factor around 1, ``[height, width, 1]``."""
    kind, amount = rng.random(), rng.uniform(0.03, 0.3)
    if kind < 0.25:
        pattern = _stripes(rng, height, width)
    else:
        scale = np.exp(rng.uniform(np.log(4), np.log(60)))
        pattern = band_noise(rng, height, width, scale, rng.uniform(2.5, 6.0))
    return np.exp(np.float32(amount) * pattern)[..., None]


def _outline(rng: np.random.Generator, centre: NDArray[np.float64], radius: float) -> NDArray[np.int32]:
    """Corners of an ellipse, a box or a star-shaped polygon, in 1/16 pixels, ``[n, 2]`` as x, y."""
    kind, turn = rng.random(), rng.uniform(0, 2 * np.pi)
    if kind < 0.4:
        angles, radii = np.linspace(0, 2 * np.pi, 48, endpoint=False), np.ones(48)
    elif kind < 0.65:
        angles, radii = np.linspace(0, 2 * np.pi, 4, endpoint=False) + np.pi / 4, np.ones(4)
    else:
        corners = int(rng.integers(3, 9))
        angles = np.sort(rng.uniform(0, 2 * np.pi, corners))
        radii = rng.uniform(0.5, 1.2, corners)
    points = np.stack([np.cos(angles) * radii, np.sin(angles) * radii * rng.uniform(0.4, 1.0)], axis=1) * radius
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return np.round((points @ rotation.T + centre) * 16).astype(np.int32)


def _paint_shape(rng: np.random.Generator, scene: Floats, surfaces: list[Floats]) -> None:
    """Draws one shape over the scene, in place; only the box around it is touched."""
    height, width = scene.shape[:2]
    centre = rng.uniform(0, 1, 2) * (width, height)
    radius = min(height, width) * np.exp(rng.uniform(np.log(0.06), np.log(0.45)))
    outline = _outline(rng, centre, radius)
    colour, slope, rough = _colour(rng), np.float32(rng.uniform(0, 0.4)), rng.random() < 0.7
    angle, surface = rng.uniform(0, 2 * np.pi), surfaces[int(rng.integers(len(surfaces)))]
    # One pixel more on each side: the edge is antialiased.
    left, top = np.maximum(outline.min(axis=0) // 16 - 1, 0)
    right, bottom = np.minimum(outline.max(axis=0) // 16 + 2, (width, height))
    if left >= right or top >= bottom:
        return
    canvas = np.zeros((bottom - top, right - left), np.uint8)
    cv2.fillPoly(canvas, [outline - np.int32(16) * np.array([left, top], np.int32)], 255, cv2.LINE_AA, shift=4)
    coverage = canvas.astype(np.float32)[..., None] / 255
    paint = colour * (1 + slope * _ramp(angle, *canvas.shape))
    if rough:
        paint = paint * surface[top:bottom, left:right]
    part = scene[top:bottom, left:right]
    part += (paint - part) * coverage


def _sprinkle(rng: np.random.Generator, scene: Floats, light: Floats) -> None:
    """Draws specks and hairs over the scene, in place: more or less of ``light``, a colour ``[3]``.

    They fill the ends of the histogram, where otherwise only the tails of the noise would be.
    """
    height, width = scene.shape[:2]
    canvas = np.zeros((height, width), np.uint8)
    count = int(rng.integers(12, 60))
    starts = rng.integers(0, (width * 16, height * 16), (count, 2))
    turns, lengths = rng.uniform(0, 2 * np.pi, count), rng.exponential(4 * 16, count)
    ends = starts + np.round(lengths[:, None] * np.stack([np.cos(turns), np.sin(turns)], axis=1)).astype(int)
    strengths, thicknesses = rng.integers(30, 256, count), rng.integers(1, 4, count)
    for start, end, strength, thickness in zip(starts, ends, strengths, thicknesses, strict=True):
        cv2.line(canvas, start.tolist(), end.tolist(), int(strength), int(thickness), cv2.LINE_AA, shift=4)
    scene += (light - scene) * (canvas.astype(np.float32)[..., None] / 255)


def draw_scene(rng: np.random.Generator, height: int, width: int) -> Floats:
    """Draws light that a lens could see: a background, shapes with surfaces, uneven illumination.

    Args:
        rng: Where the randomness comes from.
        height: Pixels.
        width: Pixels.

    Returns:
        Linear light, float32 ``[height, width, 3]`` in R, G, B, in [0, 1], between 0.06 and 0.75 but for specks.
    """
    first, second = _colour(rng), _colour(rng)
    mix = 0.5 + 0.5 * _ramp(rng.uniform(0, 2 * np.pi), height, width)
    scene = (second + (first - second) * mix) * _texture(rng, height, width)
    surfaces = [_texture(rng, height, width) for _ in range(2)]
    for _ in range(int(rng.integers(3, 10))):
        _paint_shape(rng, scene, surfaces)
    scene *= 1 + np.float32(rng.uniform(0, 0.35)) * _ramp(rng.uniform(0, 2 * np.pi), height, width)
    darkest = np.exp(rng.uniform(*np.log(_DARKEST)))
    np.clip(scene, darkest, rng.uniform(*_BRIGHTEST), out=scene)
    for light in (np.zeros(3), np.ones(3), rng.uniform(0, 1, 3)):
        _sprinkle(rng, scene, light.astype(np.float32))
    return scene
