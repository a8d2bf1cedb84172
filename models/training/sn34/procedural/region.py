"""Regions that are edited: where a semisynthetic picture is made by the generator."""

from __future__ import annotations

import cv2
import numpy as np

from .optics import Bytes, Floats
from .scene import band_noise

SMALLEST, LARGEST = 0.05, 0.45
"""Area of a region as a share of the picture."""


def _blob(rng: np.random.Generator, height: int, width: int, area: float) -> Floats:
    """One irregular heap: a bump plus noise, cut at the height that leaves ``area`` of the picture."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    cy, cx = rng.uniform(0.2, 0.8, 2) * (height, width)
    stretch, turn = np.exp(rng.uniform(-0.5, 0.5)), rng.uniform(0, np.pi)
    u = (x - cx) * np.cos(turn) + (y - cy) * np.sin(turn)
    v = (y - cy) * np.cos(turn) - (x - cx) * np.sin(turn)
    spread = np.sqrt(area * height * width)
    field = -np.hypot(u * stretch, v / stretch) / spread
    field += np.float32(rng.uniform(0.0, 0.12)) * band_noise(rng, height, width, 0.6 * float(spread), 6.0)
    return (field > np.quantile(field[::2, ::2], 1 - area)).astype(np.float32)


def _polygon(rng: np.random.Generator, height: int, width: int, area: float) -> Floats:
    """A star-shaped polygon of about ``area``, grown or shrunk until its part inside the picture fits."""
    corners = int(rng.integers(3, 8))
    angles = np.linspace(0, 2 * np.pi, corners, endpoint=False) + rng.uniform(-0.3, 0.3, corners)
    points = np.stack([np.cos(angles), np.sin(angles)], axis=1) * rng.uniform(0.7, 1.2, (corners, 1))
    points *= np.exp(rng.uniform(-0.3, 0.3, 2))
    centre = rng.uniform(0.25, 0.75, 2) * (width, height)
    size = np.sqrt(area * height * width / 2.5)
    for _ in range(4):
        canvas = np.zeros((height, width), np.float32)
        cv2.fillPoly(canvas, [np.round((points * size + centre) * 16).astype(np.int32)], 1.0, shift=4)
        size *= float(np.clip(np.sqrt(area / max(float(canvas.mean()), 1e-3)), 0.5, 1.6))
    return canvas


def draw_region(rng: np.random.Generator, height: int, width: int) -> Floats:
    """Draws a region with a soft edge.

    Returns:
        How much of each pixel is the generator's, float32 ``[height, width]`` in [0, 1]; above 0.5 on about 5 to
        45 % of the picture.
    """
    area = rng.uniform(SMALLEST + 0.01, LARGEST - 0.02)
    shape = _blob if rng.random() < 0.6 else _polygon
    return cv2.GaussianBlur(shape(rng, height, width, area), (0, 0), rng.uniform(0.7, 2.5))


def mask_of(region: Floats) -> Bytes:
    """The truth about a region: 255 where more than half of a pixel is the generator's, else 0; uint8."""
    return np.where(region > 0.5, 255, 0).astype(np.uint8)
