"""Data as validators send it, made once: augmented at their levels and encoded as they encode.

A cache of pictures is a data folder again (`<stem>~<variant>L<level>.jpg`, masks beside), so that it can be looked at.
A cache of clips holds the frames that a model is given: `.npy`, uint8 `[T, H, W, 3]`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from .augment import augment, augment_mask, draw_augmentation
from .encode import decode_clip, jpeg_bytes, png_mask_bytes, through_jpeg
from .errors import TrainingError
from .folders import Item, list_items, read_mask, read_picture
from .metrics import CLASSES
from .workers import in_workers

Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class CacheSpec:
    """How a cache is made.

    Attributes:
        levels: The validators' augmentation levels that each file is drawn at; one named twice is drawn twice.
        seed: Other seeds draw other parameters.
        frames: Frames of a clip that the model looks at.
        edge: Height and width that frames are brought to.
    """

    levels: tuple[int, ...] = (0, 1)
    seed: int = 0
    frames: int = 8
    edge: int = 224


@dataclass(frozen=True)
class _Job:
    item: Item
    number: int
    level: int
    target: Path
    spec: CacheSpec
    task: str


def build_cache(root: Path, split: str, task: str, target: Path, spec: CacheSpec, workers: int = 2) -> Path:
    """Makes what is missing of a cache and returns its root, a data folder of the same shape.

    Every file has a randomness of its own, so neither the number of workers nor an interruption changes a byte.
    """
    items = list_items(root, split, task)
    for name in (*CLASSES, "masks"):
        (target / split / name).mkdir(parents=True, exist_ok=True)
    jobs = [job for number, item in enumerate(items) for job in _jobs_of(item, number, split, task, target, spec)]
    missing = [job for job in jobs if not _is_made(job)]
    if missing:
        make = _cache_clip if task == "video" else _cache_picture
        done = in_workers(make, missing, workers)
        for _ in tqdm(done, total=len(missing), desc=f"augmenting {split}", unit="file"):
            pass
    return target


def cache_folder(data: Path, task: str, spec: CacheSpec) -> Path:
    """Where the cache of a data folder lies: beside it, one for pictures and one for each shape of clips."""
    shape = f"-{spec.frames}x{spec.edge}" if task == "video" else ""
    return data.with_name(f"{data.name}-cache{shape}")


def level_of(path: Path) -> int:
    """The augmentation level that a cached file's name tells; -1 where it is no cached file."""
    _, mark, tail = path.stem.rpartition("~")
    return int(tail.rpartition("L")[2]) if mark else -1


def cover(frame: Bytes, edge: int) -> Bytes:
    """Brings a frame `[h, w, 3]` to `[edge, edge, 3]` as the miner does: shortest edge resized, centre cut out."""
    height, width = frame.shape[:2]
    scale = edge / min(height, width)
    size = (max(edge, int(width * scale)), max(edge, int(height * scale)))
    if size != (width, height):
        frame = np.asarray(Image.fromarray(frame).resize(size, Image.Resampling.BILINEAR))
    top, left = round((size[1] - edge) / 2), round((size[0] - edge) / 2)
    return np.ascontiguousarray(frame[top : top + edge, left : left + edge])


def sample_indices(count: int, wanted: int) -> list[int]:
    """Which frames the miner looks at: the first, the last and evenly between; a short clip repeats its last."""
    if wanted == 1:
        return [(count - 1) // 2]
    if count < wanted:
        return [min(index, count - 1) for index in range(wanted)]
    return [int(index * (count - 1) / (wanted - 1) + 0.5) for index in range(wanted)]


def _is_made(job: _Job) -> bool:
    """Whether the cached file is there and not older than what it is made of."""
    try:
        return job.target.stat().st_mtime >= job.item.path.stat().st_mtime
    except FileNotFoundError:
        return False


def _jobs_of(item: Item, number: int, split: str, task: str, target: Path, spec: CacheSpec) -> list[_Job]:
    suffix = ".npy" if task == "video" else ".jpg"
    folder = target / split / CLASSES[item.label]
    return [
        _Job(item, number, level, folder / f"{item.path.stem}~{draw}L{level}{suffix}", spec, task)
        for draw, level in enumerate(spec.levels)
    ]


def _random(job: _Job) -> np.random.Generator:
    draw = int(job.target.stem.rpartition("~")[2].partition("L")[0])
    return np.random.default_rng([job.spec.seed, job.number, job.level, draw])


def _cache_picture(job: _Job) -> None:
    rng = _random(job)
    augmentation = draw_augmentation(job.level, rng)
    picture = read_picture(job.item.path)
    if job.item.mask is not None:
        mask = augment_mask(read_mask(job.item, *picture.shape[:2]), augmentation)
        _write(job.target.parent.parent / "masks" / f"{job.target.stem}.png", png_mask_bytes(mask))
    _write(job.target, jpeg_bytes(augment(picture, augmentation, rng)))


def _cache_clip(job: _Job) -> None:
    rng = _random(job)
    augmentation = draw_augmentation(job.level, rng)
    try:
        frames = decode_clip(job.item.path.read_bytes())
    except (OSError, ValueError) as error:
        raise TrainingError(f"{job.item.path} cannot be decoded ({error})") from error
    chosen = [frames[index] for index in sample_indices(len(frames), job.spec.frames)]
    fitted = [cover(through_jpeg(augment(frame, augmentation, rng)), job.spec.edge) for frame in chosen]
    partial = job.target.with_suffix(".part")
    with partial.open("wb") as file:
        np.save(file, np.stack(fitted))
    os.replace(partial, job.target)


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all: an interrupted cache is continued, not read half."""
    partial = path.with_suffix(".part")
    partial.write_bytes(data)
    os.replace(partial, path)
