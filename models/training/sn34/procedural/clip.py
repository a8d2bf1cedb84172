"""One clip of a class, made from a seed: the camera pans over a scene in which something else moves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from .camera import photograph
from .generator import Decoder, draw_decoder, draw_latents, generate
from .optics import Bytes, Floats, Shot, develop, draw_shot, through_lens, to_bytes
from .region import draw_region
from .scene import draw_scene

_SIDES = (192, 257)
_COUNTS = (16, 25)
_MARGIN = 40
"""Pixels of the scene around the first frame, so that panning stays inside."""
_FASTEST = 1.4
"""Pixels per frame: 24 frames stay inside the margin."""
_FIXED_PATTERN = 0.25
"""What does not change from frame to frame of a sensor's noise, over what does."""
_CRFS = (8, 15)


@dataclass(frozen=True)
class Clip:
    """A clip before it is stored.

    Attributes:
        frames: R, G, B, uint8 ``[h, w, 3]`` each; even sides, all of one size.
        crf: H.264 quality to store it with.
    """

    frames: list[Bytes]
    crf: int


@dataclass(frozen=True)
class _Path:
    """Where a layer is at each frame: it moves evenly and sways a little."""

    velocity: Floats
    sway: Floats
    period: float

    def at(self, frame: int) -> Floats:
        return self.velocity * frame + self.sway * np.float32(np.sin(frame * 2 * np.pi / self.period))


def _draw_path(rng: np.random.Generator) -> _Path:
    velocity = rng.uniform(-_FASTEST, _FASTEST, 2).astype(np.float32)
    return _Path(velocity, rng.uniform(-2, 2, 2).astype(np.float32), rng.uniform(8, 40))


def _shifted(layer: Floats, offset: Floats, height: int, width: int) -> Floats:
    """The window ``[height, width]`` of a layer that has a margin on all sides, ``offset`` pixels x, y away."""
    matrix = np.array([[1, 0, offset[0] + _MARGIN], [0, 1, offset[1] + _MARGIN]], np.float32)
    return cv2.warpAffine(
        layer, matrix, (width, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REFLECT_101
    )


@dataclass(frozen=True)
class _Stage:
    """What the camera sees, layer by layer, each with a margin: background, something that moves, where it is."""

    background: Floats
    foreground: Floats
    outline: Floats
    pan: _Path
    motion: _Path

    def at(self, frame: int, height: int, width: int) -> Floats:
        """Linear light of a frame, ``[height, width, 3]``."""
        light = _shifted(self.background, self.pan.at(frame), height, width)
        covered = _shifted(self.outline, self.motion.at(frame), height, width)[..., None]
        return light + (_shifted(self.foreground, self.motion.at(frame), height, width) - light) * covered


def _draw_stage(rng: np.random.Generator, shot: Shot, height: int, width: int) -> _Stage:
    size = (height + 2 * _MARGIN, width + 2 * _MARGIN)
    background, foreground = (through_lens(draw_scene(rng, *size), shot) for _ in range(2))
    return _Stage(background, foreground, draw_region(rng, *size), _draw_path(rng), _draw_path(rng))


def _taken(stage: _Stage, shot: Shot, rng: np.random.Generator, size: tuple[int, int], count: int) -> Iterator[Floats]:
    """Display values of each frame as a camera takes it: fresh noise, and a pattern of the sensor that stays."""
    phase = int(rng.integers(4))
    fixed = rng.standard_normal(size, dtype=np.float32) * np.float32(_FIXED_PATTERN)
    for frame in range(count):
        yield develop(photograph(stage.at(frame, *size), shot, phase, rng, fixed), shot)


def _made(
    stage: _Stage, shot: Shot, decoder: Decoder, rng: np.random.Generator, size: tuple[int, int], count: int
) -> Iterator[Floats]:
    """Display values of each frame as a generator makes it: its latent noise flickers, or changes slowly."""
    memory = np.float32(rng.choice([0.0, 0.6, 0.95]))
    latents = draw_latents(rng, *size)
    for frame in range(count):
        yield develop(generate(stage.at(frame, *size), shot, decoder, latents), shot)
        fresh = draw_latents(rng, *size)
        latents = tuple(
            memory * old + np.sqrt(1 - memory * memory) * new for old, new in zip(latents, fresh, strict=True)
        )


def make_clip(label: int, rng: np.random.Generator) -> Clip:
    """Makes one clip; every random number that all classes need is drawn alike for all."""
    height, width = (int(side) & ~1 for side in rng.integers(*_SIDES, 2))
    size, count, crf = (height, width), int(rng.integers(*_COUNTS)), int(rng.integers(*_CRFS))
    shot, decoder = draw_shot(rng), draw_decoder(rng)
    stage = _draw_stage(rng, shot, height, width)
    if label == 0:
        return Clip([to_bytes(frame) for frame in _taken(stage, shot, rng, size, count)], crf)
    if label == 1:
        return Clip([to_bytes(frame) for frame in _made(stage, shot, decoder, rng, size, count)], crf)
    # The region moves with what it covers. It is drawn for the middle frame, so that little of it ever leaves the view.
    region = cv2.copyMakeBorder(draw_region(rng, height, width), *[_MARGIN] * 4, cv2.BORDER_CONSTANT)
    camera, model = rng.spawn(2)
    frames = []
    pairs = zip(_taken(stage, shot, camera, size, count), _made(stage, shot, decoder, model, size, count), strict=True)
    for frame, (taken, made) in enumerate(pairs):
        moved = stage.pan.at(frame) - stage.pan.at(count // 2)
        edited = _shifted(region, moved, height, width)[..., None]
        frames.append(to_bytes(taken + (made - taken) * edited))
    return Clip(frames, crf)
