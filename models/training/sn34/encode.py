"""How validators encode what they send: JPEG of quality 75 with halved chroma, and lossless RGB video."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Sequence
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Bytes = NDArray[np.uint8]

VALIDATOR_QUALITY = 75
FRAMES_PER_SECOND = 30
"""Validators store every clip at this rate, whatever it was."""


def jpeg_bytes(pixels: Bytes, quality: int = VALIDATOR_QUALITY) -> bytes:
    """Encodes a picture as baseline JPEG with chroma at half resolution (4:2:0), without EXIF and ICC.

    Args:
        pixels: R, G, B, uint8 ``[h, w, 3]``.
        quality: 1 to 95 and a little more, as libjpeg counts.
    """
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="JPEG", quality=quality, subsampling="4:2:0")
    return buffer.getvalue()


def decode_image(data: bytes) -> Bytes:
    """Decodes a picture to R, G, B, uint8 ``[h, w, 3]``, as a miner does: no rotation, no colour profile."""
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))


def through_jpeg(pixels: Bytes, quality: int = VALIDATOR_QUALITY) -> Bytes:
    """What is left of a picture after JPEG; same shape."""
    return decode_image(jpeg_bytes(pixels, quality))


def png_mask_bytes(mask: Bytes) -> bytes:
    """Encodes a mask, uint8 ``[h, w]`` of 0 and 255, as an 8-bit greyscale PNG."""
    buffer = io.BytesIO()
    Image.fromarray(mask).save(buffer, format="PNG", compress_level=6)
    return buffer.getvalue()


def _mp4_bytes(frames: Sequence[Bytes], codec: str, pixel_format: str, options: dict[str, str]) -> bytes:
    height, width = frames[0].shape[:2]
    with tempfile.TemporaryDirectory() as folder:
        # A file, since moving moov to the front means to read it again.
        path = Path(folder, "clip.mp4")
        with av.open(str(path), "w", format="mp4", options={"movflags": "faststart"}) as container:
            stream = container.add_stream(codec, rate=FRAMES_PER_SECOND, options=options)
            stream.width, stream.height, stream.pix_fmt = width, height, pixel_format
            # How many threads there are would change the bytes from machine to machine.
            stream.codec_context.thread_count = 1
            for frame in frames:
                container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
            container.mux(stream.encode())
        return path.read_bytes()


def validator_mp4_bytes(frames: Sequence[Bytes]) -> bytes:
    """Encodes a clip as validators send it: each frame through JPEG, then lossless RGB H.264 with moov first.

    Args:
        frames: R, G, B, uint8 ``[h, w, 3]`` each, all of one size.
    """
    lossy = [through_jpeg(frame) for frame in frames]
    return _mp4_bytes(lossy, "libx264rgb", "rgb24", {"crf": "0", "preset": "veryfast"})


def stored_mp4_bytes(frames: Sequence[Bytes], crf: int) -> bytes:
    """Encodes a clip as it is kept on disk: H.264 with halved chroma, which every reader opens; even sides only.

    Args:
        frames: R, G, B, uint8 ``[h, w, 3]`` each, all of one size.
        crf: 0 to 51, lower is better.
    """
    return _mp4_bytes(frames, "libx264", "yuv420p", {"crf": str(crf), "preset": "veryfast"})


def decode_clip(data: bytes) -> list[Bytes]:
    """Decodes every frame of a clip to R, G, B, uint8 ``[h, w, 3]``."""
    with av.open(io.BytesIO(data)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
