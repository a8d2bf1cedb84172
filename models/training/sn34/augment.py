"""The validators' augmentations, at their four levels.

Level 0 resizes; 1 rotates, resizes and flips; 2 adds saturation, contrast and a detour over a smaller size; 3 adds
colour noise and blur as well. Parameters are drawn once, and every frame of a clip gets the same; only the noise
itself differs from frame to frame. Masks follow the geometry, nearest neighbour.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

LEVELS = (0, 1, 2, 3)
_LARGEST_ANGLE = 20.0
_SCALES = (0.5, 1.5)
_LONGEST_SIDE = 2048
# What each strength means; strength 0 leaves the picture alone.
_SATURATION = (1.0, 0.4, 0.3)
_CONTRAST = (1.0, 0.85, 0.725)
_SHRINK = (1, 2, 3)
_NOISE_VARIANCE = (0.0, 0.001, 0.002)
_BLUR_KERNEL = (1, 7, 9)

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
# Chroma to R, G, B, per unit of Cb and of Cr.
_CB = np.array([0.0, -0.344, 1.773], np.float32)
_CR = np.array([1.403, -0.714, 0.0], np.float32)


@dataclass(frozen=True)
class Augmentation:
    """What is done to a picture or to each frame of a clip, in this order.

    Attributes:
        angle: Rotation in degrees, counter-clockwise; 0 for none.
        scale: Factor of both sides; 1 for none.
        mirror: Left becomes right.
        flip: Top becomes bottom.
        saturation: Strength 0 to 2; chroma is multiplied by 1, 0.4, 0.3.
        contrast: Strength 0 to 2; values are multiplied by 1, 0.85, 0.725.
        shrink: Strength 0 to 2; goes down by 1, 2, 3 and up again.
        noise: Strength 0 to 2; variance 0, 0.001, 0.002 of colour noise.
        blur: Strength 0 to 2; Gaussian kernel of 1, 7, 9 pixels.
    """

    angle: float = 0.0
    scale: float = 1.0
    mirror: bool = False
    flip: bool = False
    saturation: int = 0
    contrast: int = 0
    shrink: int = 0
    noise: int = 0
    blur: int = 0


def draw_augmentation(level: int, rng: np.random.Generator) -> Augmentation:
    """Draws the parameters of a level, 0 to 3."""
    if level not in LEVELS:
        raise ValueError(f"a level is one of {LEVELS}, not {level}")
    scale = rng.uniform(*_SCALES) if rng.random() < 0.5 else 1.0
    if level == 0:
        return Augmentation(scale=scale)
    angle = rng.uniform(-_LARGEST_ANGLE, _LARGEST_ANGLE) if rng.random() < 0.5 else 0.0
    mirror, flip = bool(rng.random() < 0.5), bool(rng.random() < 0.5)
    strengths = {1: (0, 0, 0, 0, 0), 2: (1, 1, 1, 0, 0), 3: (2, 2, 2, 2, 2)}[level]
    return Augmentation(angle, scale, mirror, flip, *(int(rng.integers(most + 1)) for most in strengths))


def _target_size(height: int, width: int, scale: float) -> tuple[int, int]:
    return min(int(height * scale), _LONGEST_SIDE), min(int(width * scale), _LONGEST_SIDE)


def _mirrored(picture: Bytes, augmentation: Augmentation) -> Bytes:
    if augmentation.mirror:
        picture = picture[:, ::-1]
    if augmentation.flip:
        picture = picture[::-1]
    return np.ascontiguousarray(picture)


def augment_mask(mask: Bytes, augmentation: Augmentation) -> Bytes:
    """Moves a mask ``[h, w]`` of 0 and 255 as `augment` moves its picture; nearest neighbour throughout."""
    if augmentation.angle:
        mask = ndimage.rotate(mask, augmentation.angle, reshape=False, mode="reflect", order=0)
    size = _target_size(*mask.shape, augmentation.scale)
    if mask.shape != size:
        mask = cv2.resize(mask, size[::-1], interpolation=cv2.INTER_NEAREST)
    return _mirrored(mask, augmentation)


def augment(picture: Bytes, augmentation: Augmentation, rng: np.random.Generator) -> Bytes:
    """Does to a picture what a validator does before it encodes it.

    Args:
        picture: R, G, B, uint8 ``[h, w, 3]``.
        augmentation: As `draw_augmentation` gives.
        rng: For the noise alone.

    Returns:
        uint8, ``[h, w, 3]`` of the new size.
    """
    if augmentation.angle:
        picture = _rotated(picture, augmentation.angle)
    size = _target_size(*picture.shape[:2], augmentation.scale)
    if picture.shape[:2] != size:
        picture = cv2.resize(picture, size[::-1], interpolation=cv2.INTER_LINEAR)
    picture = _mirrored(picture, augmentation)
    if augmentation.saturation:
        picture = _saturated(picture, _SATURATION[augmentation.saturation])
    if augmentation.contrast:
        # Towards black, and cut off instead of rounded.
        picture = (picture.astype(np.float32) * np.float32(_CONTRAST[augmentation.contrast])).astype(np.uint8)
    if augmentation.shrink:
        picture = _shrunk(picture, _SHRINK[augmentation.shrink])
    if augmentation.noise:
        picture = _noisy(picture, _NOISE_VARIANCE[augmentation.noise], rng)
    if augmentation.blur:
        kernel = _BLUR_KERNEL[augmentation.blur]
        picture = cv2.GaussianBlur(picture, (kernel, kernel), kernel / 6)
    return picture


def _rotated(picture: Bytes, angle: float) -> Bytes:
    """Rotates about the centre, same size, quadratic spline, edges reflected; plane by plane, which is faster."""
    planes = [
        ndimage.rotate(plane, angle, reshape=False, mode="reflect", order=2) for plane in cv2.split(picture)
    ]
    return cv2.merge(planes)


def _saturated(picture: Bytes, factor: float) -> Bytes:
    """Multiplies the distance from grey.

    Validators do this in a studio-range encoding of chroma that is centred on 0.5 of 255 although its values are
    of the order of the picture's: with C the chroma around 0.5, (224 C + 16) / 255 is pulled towards 0.5. The grey
    point moves by (1 - factor) / 448 of a grey level with it, which is kept here. The result is cut off, not rounded.
    """
    values = picture.astype(np.float32)
    luma = (values @ _LUMA)[..., None]
    drift = np.float32((factor - 1) / 448) * (_CB + _CR)
    return np.clip(luma + (values - luma) * np.float32(factor) + drift, 0, 255).astype(np.uint8)


def _shrunk(picture: Bytes, factor: int) -> Bytes:
    height, width = picture.shape[:2]
    small = cv2.resize(picture, (max(width // factor, 1), max(height // factor, 1)), interpolation=cv2.INTER_LINEAR)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)


def _noisy(picture: Bytes, variance: float, rng: np.random.Generator) -> Bytes:
    """Adds noise to luma and to both chromas, each of its own.

    The variance is of a picture in [0, 1] whose luma fills 219 and whose chroma 224 of 255 steps, so that luma gets
    255/219 and chroma 255/224 of what the number says.
    """
    deviation = np.float32(np.sqrt(variance) * 255)
    noise = rng.standard_normal(picture.shape, dtype=np.float32) * deviation
    luma = noise[..., :1] * np.float32(255 / 219)
    chroma = noise[..., 1:] * np.float32(255 / 224)
    values = picture + luma + chroma[..., :1] * _CB + chroma[..., 1:] * _CR
    return np.clip(values, 0, 255).astype(np.uint8)
