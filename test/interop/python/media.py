"""Random pictures and clips, encoded as validators encode them."""

import io
import os
import tempfile

import av
import numpy as np
from PIL import Image

FRAMES_PER_SECOND = 30


def draw_scene(rng: np.random.Generator, width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    """
    A smooth picture with one patch of strong noise, off the centre: what the rough segmenter marks.

    Returns RGB pixels (height, width, 3) and the patch as a mask (height, width) of 0 and 1.
    """
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    slopes = rng.uniform(-90, 90, size=(3, 2))
    middle = rng.uniform(70, 185, size=3)
    pixels = np.stack(
        [m + sx * (x / width - 0.5) + sy * (y / height - 0.5) for m, (sx, sy) in zip(middle, slopes)], axis=-1
    )
    mask = np.zeros((height, width), np.uint8)
    patch_width = max(1, round(width * rng.uniform(0.3, 0.5)))
    patch_height = max(1, round(height * rng.uniform(0.2, 0.4)))
    # In one of the two corners that change places when rows are taken for columns.
    across = rng.choice([0.1, 0.9])
    left = round((width - patch_width) * across)
    top = round((height - patch_height) * (1 - across))
    mask[top : top + patch_height, left : left + patch_width] = 1
    noise = rng.normal(0, 40, size=pixels.shape).astype(np.float32)
    pixels = pixels + noise * mask[..., None] + rng.normal(0, 1, size=pixels.shape)
    return np.clip(pixels, 0, 255).astype(np.uint8), mask


def encode_jpeg(pixels: np.ndarray) -> bytes:
    """Baseline, quality 75, 4:2:0: Pillow's own defaults."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="JPEG", quality=75)
    return buffer.getvalue()


def through_jpeg(pixels: np.ndarray) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(encode_jpeg(pixels))).convert("RGB"))


def draw_clip(rng: np.random.Generator, width: int, height: int, count: int) -> list[np.ndarray]:
    """Frames of a scene that moves, each through a JPEG of its own."""
    scene, _ = draw_scene(rng, width, height)
    steps = rng.integers(-3, 4, size=2)
    return [through_jpeg(np.roll(scene, index * steps, axis=(0, 1))) for index in range(count)]


def encode_clip(frames: list[np.ndarray]) -> bytes:
    """Lossless RGB H.264 in an MP4 whose index lies in front."""
    height, width, _ = frames[0].shape
    # Moving the index to the front needs a file that can be read back.
    handle, path = tempfile.mkstemp(suffix=".mp4")
    os.close(handle)
    try:
        with av.open(path, "w", format="mp4", options={"movflags": "+faststart"}) as container:
            stream = container.add_stream("libx264rgb", rate=FRAMES_PER_SECOND)
            stream.width, stream.height, stream.pix_fmt = width, height, "rgb24"
            stream.options = {"crf": "0", "preset": "veryfast"}
            for pixels in frames:
                container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
            container.mux(stream.encode())
        with open(path, "rb") as file:
            return file.read()
    finally:
        os.unlink(path)


def decode_clip(data: bytes) -> list[np.ndarray]:
    with av.open(io.BytesIO(data)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
