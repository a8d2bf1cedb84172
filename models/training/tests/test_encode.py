"""What leaves this folder is encoded as validators encode it."""

from __future__ import annotations

import io

import av
import numpy as np
from PIL import Image

from sn34.encode import (
    decode_clip,
    decode_image,
    jpeg_bytes,
    png_mask_bytes,
    stored_mp4_bytes,
    through_jpeg,
    validator_mp4_bytes,
)


def frames(count: int = 4, height: int = 25, width: int = 33) -> list[np.ndarray]:
    generator = np.random.default_rng(5)
    return [generator.integers(0, 256, (height, width, 3), dtype=np.uint8) for _ in range(count)]


def test_pictures_are_baseline_jpeg_with_halved_chroma_and_nothing_else() -> None:
    data = jpeg_bytes(frames()[0])
    assert data[:2] == b"\xff\xd8" and b"Exif" not in data and b"ICC_PROFILE" not in data
    # Baseline frame header, then in 3 components the sampling factors 2x2, 1x1, 1x1.
    header = data.index(b"\xff\xc0")
    assert [data[header + 11 + 3 * i] for i in range(3)] == [0x22, 0x11, 0x11]
    # The first of the quantisation table's steps at quality 75 is half of the standard's 16.
    assert data[data.index(b"\xff\xdb") + 5] == 8


def test_a_picture_through_jpeg_keeps_its_size() -> None:
    assert through_jpeg(frames()[0]).shape == (25, 33, 3)


def test_clips_are_lossless_rgb_after_jpeg() -> None:
    sent = frames()
    data = validator_mp4_bytes(sent)
    for got, frame in zip(decode_clip(data), sent, strict=True):
        assert np.array_equal(got, through_jpeg(frame))
    with av.open(io.BytesIO(data)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.pix_fmt, stream.average_rate) == ("gbrp", 30)
        assert not container.streams.audio
    assert data.index(b"moov") < data.index(b"mdat")


def test_stored_clips_are_near_what_was_made_and_the_same_each_time() -> None:
    ramp = np.linspace(0, 255, 64, dtype=np.uint8)
    smooth = [np.broadcast_to(ramp[None, :, None], (48, 64, 3)).copy() for _ in range(5)]
    data = stored_mp4_bytes(smooth, 10)
    assert data == stored_mp4_bytes(smooth, 10)
    for got, frame in zip(decode_clip(data), smooth, strict=True):
        assert np.abs(got.astype(int) - frame).mean() < 3


def test_masks_are_8_bit_greyscale() -> None:
    mask = np.array([[0, 255], [255, 0]], np.uint8)
    image = Image.open(io.BytesIO(png_mask_bytes(mask)))
    assert image.mode == "L" and np.array_equal(np.asarray(image), mask)
    assert decode_image(png_mask_bytes(mask)).shape == (2, 2, 3)
