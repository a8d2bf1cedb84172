"""A JPEG decoder that is libjpeg in all but how it enlarges the chroma of 4:2:0 pictures."""

import io

import numpy as np
from PIL import Image


def decode_420(data: bytes, upsample) -> np.ndarray:
    """
    RGB pixels of a 4:2:0 JPEG whose edges are multiples of 16. libjpeg gives the luma at full size and, asked for half
    the size, the chroma planes as they are stored; `upsample` doubles both edges of such a plane.
    """
    luma = np.asarray(_open_ycbcr(data))[..., 0].astype(np.int64)
    stored = np.asarray(_open_ycbcr(data, halved=True)).astype(np.int64)
    blue, red = (upsample(stored[..., plane]) - 128 for plane in (1, 2))
    channels = (
        luma + (_fixed(1.402) * red + 32768 >> 16),
        luma + (-_fixed(0.34414) * blue - _fixed(0.71414) * red + 32768 >> 16),
        luma + (_fixed(1.772) * blue + 32768 >> 16),
    )
    return np.clip(np.stack(channels, axis=-1), 0, 255).astype(np.uint8)


def repeat_samples(plane: np.ndarray) -> np.ndarray:
    """Each sample four times: what libjpeg does with fancy upsampling off."""
    return plane.repeat(2, axis=0).repeat(2, axis=1)


def weigh_neighbours(plane: np.ndarray) -> np.ndarray:
    """Three quarters of the nearer and a quarter of the farther sample, each way: libjpeg's fancy upsampling."""
    padded = np.pad(plane, ((1, 1), (0, 0)), mode="edge")
    rows = np.empty((2 * plane.shape[0], plane.shape[1]), np.int64)
    rows[0::2] = 3 * plane + padded[:-2]
    rows[1::2] = 3 * plane + padded[2:]
    padded = np.pad(rows, ((0, 0), (1, 1)), mode="edge")
    result = np.empty((rows.shape[0], 2 * rows.shape[1]), np.int64)
    result[:, 0::2] = 3 * rows + padded[:, :-2] + 8 >> 4
    result[:, 1::2] = 3 * rows + padded[:, 2:] + 7 >> 4
    return result


def _fixed(factor: float) -> int:
    return int(factor * 65536 + 0.5)


def _open_ycbcr(data: bytes, halved: bool = False) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    width, height = image.size
    image.draft("YCbCr", (width // 2, height // 2) if halved else (width, height))
    return image
