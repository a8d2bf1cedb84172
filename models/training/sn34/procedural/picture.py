"""One picture of a class, made from a seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .camera import photograph
from .generator import draw_decoder, draw_latents, generate
from .optics import Bytes, develop, draw_shot, through_lens, to_bytes
from .region import draw_region, mask_of
from .scene import draw_scene

CLASSES = ("real", "synthetic", "semisynthetic")
"""Folder names; the index is the validators' label."""
_QUALITIES = (88, 97)
_SIDES = (192, 385)


@dataclass(frozen=True)
class Picture:
    """A picture before it is stored.

    Attributes:
        pixels: R, G, B, uint8 ``[h, w, 3]``.
        mask: 255 where the generator made it, uint8 ``[h, w]``; None unless semisynthetic.
        quality: JPEG quality to store it with.
    """

    pixels: Bytes
    mask: Bytes | None
    quality: int


def draw_size(rng: np.random.Generator) -> tuple[int, int]:
    """Height and width: 256 × 256 mostly, else each from 192 to 384."""
    if rng.random() < 0.6:
        return 256, 256
    height, width = rng.integers(*_SIDES, 2)
    return int(height), int(width)


def make_picture(label: int, rng: np.random.Generator) -> Picture:
    """Makes one picture; every random number that all classes need is drawn alike for all."""
    height, width = draw_size(rng)
    quality = int(rng.integers(*_QUALITIES))
    shot, decoder, phase = draw_shot(rng), draw_decoder(rng), int(rng.integers(4))
    light = through_lens(draw_scene(rng, height, width), shot)
    if label == 0:
        return Picture(to_bytes(develop(photograph(light, shot, phase, rng), shot)), None, quality)
    made = develop(generate(light, shot, decoder, draw_latents(rng, height, width)), shot)
    if label == 1:
        return Picture(to_bytes(made), None, quality)
    taken = develop(photograph(light, shot, phase, rng), shot)
    region = draw_region(rng, height, width)
    blended = taken + (made - taken) * region[..., None]
    return Picture(to_bytes(blended), mask_of(region), quality)
