"""Batches of crops from a data folder, drawn by a seed and an epoch alone, so that a resumed run sees the same."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from .cache import level_of
from .errors import TrainingError
from .folders import Item, list_items, read_mask, read_picture

Bytes = NDArray[np.uint8]

GRID = 8
"""Crops begin at multiples of JPEG's block: a picture that validators send has its blocks at its corner too."""
_LEAST_REGION, _MOST_REGION = 0.03, 0.9
_LEAST_BATCH = 4
_WHOLE_SMALLEST, _WHOLE_LARGEST = 128, 512
_WHOLE_SPREAD = 24
"""How much larger than a batch's edge a picture may be in it, before the rest is cut off."""


@dataclass(frozen=True)
class Sample:
    """What a data set holds of a file.

    Attributes:
        pixels: `[H, W, 3]`, or `[T, H, W, 3]` of a clip.
        label: 0 real, 1 synthetic, 2 semisynthetic.
        mask: `[H, W]`, 0 or 255, of a semisynthetic picture; None where it has none, and for the other classes.
        level: The validators' augmentation level that it went through; -1 where unknown.
    """

    pixels: Bytes
    label: int
    mask: Bytes | None
    level: int


@dataclass(frozen=True)
class Batch:
    """Pixels uint8 `[N, 3, H, W]` or `[N, T, 3, H, W]`, labels int64 `[N]`, masks float `[N, 1, H, W]` or None."""

    pixels: Tensor
    labels: Tensor
    masks: Tensor | None


def load_samples(
    root: Path, split: str, task: str, levels: Sequence[int] | None = None, memory_gib: float = 8.0
) -> list[Sample]:
    """Decodes a split into memory; of a cache, only the files of `levels` where these are given.

    Raises:
        TrainingError: as `list_items`, or more than `memory_gib` of pixels
    """
    items = _cached_clips(root, split) if task == "video" else list_items(root, split, task)
    if levels is not None:
        items = [item for item in items if level_of(item.path) in levels]
    samples: list[Sample] = []
    used = 0
    with ThreadPoolExecutor(2) as pool:
        for sample in tqdm(pool.map(_load, items), total=len(items), desc=f"reading {split}", unit="file"):
            used += sample.pixels.nbytes
            if used > memory_gib * 2**30:
                raise TrainingError(
                    f"{root / split} is more than {memory_gib} GiB once decoded: raise data.memory_gib, "
                    "or put fewer or smaller files there"
                )
            samples.append(sample)
    return samples


def _cached_clips(root: Path, split: str) -> list[Item]:
    items = [
        Item(path, label, None)
        for label, name in enumerate(("real", "synthetic", "semisynthetic"))
        for path in sorted((root / split / name).glob("*.npy"))
    ]
    if not items:
        raise TrainingError(f"{root / split} holds no cached clips; train.py makes them from --data")
    return items


def _load(item: Item) -> Sample:
    level = level_of(item.path)
    if item.path.suffix == ".npy":
        return Sample(np.load(item.path), item.label, None, level)
    pixels = read_picture(item.path)
    mask = None if item.mask is None else read_mask(item, *pixels.shape[:2])
    return Sample(pixels, item.label, mask, level)


class CropBatches:
    """Random crops of one edge per batch, classes drawn by their weights, mirrored at random.

    Args:
        samples: What to draw from.
        batch: Samples in a batch at the smallest edge; larger edges get fewer, for about the same memory.
        crops: Edges to draw from, multiples of 8. None for whole pictures: each batch has the edge of one that is
            drawn, and others of about that size, so that what is learnt of extremes holds for every size.
        class_weights: How often real, synthetic and semisynthetic are drawn.
        dense: Whether batches carry masks.
        seed: Of all draws.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        batch: int,
        crops: Sequence[int],
        class_weights: Sequence[float],
        dense: bool,
        seed: int,
    ) -> None:
        if any(crop % GRID or crop < 32 for crop in crops):
            raise TrainingError(f"data.crops {list(crops)}: each is a multiple of {GRID}, at least 32")
        self._samples, self._batch, self._crops, self._dense, self._seed = samples, batch, crops, dense, seed
        self._by_class = [
            [index for index, sample in enumerate(samples) if sample.label == label] for label in range(3)
        ]
        self._edges = [
            np.array([min(samples[index].pixels.shape[-3:-1]) // GRID * GRID for index in indices], np.int64)
            for indices in self._by_class
        ]
        present = np.array([bool(indices) for indices in self._by_class])
        weights = np.asarray(class_weights, np.float64) * present
        if weights.sum() == 0:
            raise TrainingError(f"data.class_weights {list(class_weights)} leaves no class that has files")
        self._weights = weights / weights.sum()

    def epoch(self, number: int, steps: int) -> Iterator[Batch]:
        """The `steps` batches of an epoch, assembled a few ahead in another thread."""
        rng = np.random.default_rng([self._seed, number])
        return _ahead((self._draw(rng) for _ in range(steps)), depth=3)

    def _draw(self, rng: np.random.Generator) -> Batch:
        crop = int(rng.choice(self._crops)) if self._crops else self._edge_of_one(rng)
        count = max(_LEAST_BATCH, round(self._batch * (min(self._crops, default=_WHOLE_SMALLEST) / crop) ** 2))
        labels = rng.choice(3, size=count, p=self._weights)
        chosen = [self._choose(int(label), crop, rng) for label in labels]
        cut = [crop_sample(sample, crop, rng) for sample in chosen]
        pixels = torch.from_numpy(np.stack([pixels for pixels, _ in cut])).movedim(-1, -3).contiguous()
        masks = None
        if self._dense:
            masks = torch.from_numpy(np.stack([mask for _, mask in cut if mask is not None]))[:, None].float() / 255
        return Batch(pixels, torch.from_numpy(labels.astype(np.int64)), masks)

    def _edge_of_one(self, rng: np.random.Generator) -> int:
        edges = self._edges[rng.choice(3, p=self._weights)]
        return int(np.clip(edges[rng.integers(len(edges))], _WHOLE_SMALLEST, _WHOLE_LARGEST))

    def _choose(self, label: int, crop: int, rng: np.random.Generator) -> Sample:
        edges = self._edges[label]
        places = np.arange(len(edges))
        if not self._crops:
            near = np.flatnonzero((edges >= crop) & (edges <= crop + _WHOLE_SPREAD))
            places = near if len(near) else np.flatnonzero(np.abs(edges - crop) == np.abs(edges - crop).min())
        return self._samples[self._by_class[label][places[rng.integers(len(places))]]]


def crop_sample(sample: Sample, edge: int, rng: np.random.Generator) -> tuple[Bytes, Bytes | None]:
    """Cuts a square out; of a semisynthetic picture, where possible, one with some of the region and some around it.

    Returns:
        pixels `[edge, edge, 3]` (with T in front for a clip) and mask `[edge, edge]`, smaller pictures reflected
    """
    pixels, mask = _reflected(sample, edge)
    height, width = pixels.shape[-3:-1]
    for _ in range(6):
        top = int(rng.integers((height - edge) // GRID + 1)) * GRID
        left = int(rng.integers((width - edge) // GRID + 1)) * GRID
        part = None if mask is None else mask[top : top + edge, left : left + edge]
        if sample.mask is None or part is None:
            break
        if _LEAST_REGION < np.count_nonzero(part) / part.size < _MOST_REGION:
            break
    cut = pixels[..., top : top + edge, left : left + edge, :]
    if rng.random() < 0.5:
        cut, part = cut[..., ::-1, :], None if part is None else part[:, ::-1]
    if rng.random() < 0.5:
        cut, part = cut[..., ::-1, :, :], None if part is None else part[::-1]
    return cut, part


def _reflected(sample: Sample, edge: int) -> tuple[Bytes, Bytes | None]:
    pixels, mask = sample.pixels, sample.mask
    height, width = pixels.shape[-3:-1]
    if mask is None and sample.label < 2:
        mask = np.full((height, width), 255 * sample.label, np.uint8)
    below, right = max(0, edge - height), max(0, edge - width)
    if below or right:
        around = [(0, 0)] * (pixels.ndim - 3)
        pixels = np.pad(pixels, [*around, (0, below), (0, right), (0, 0)], mode="symmetric")
        mask = None if mask is None else np.pad(mask, [(0, below), (0, right)], mode="symmetric")
    return pixels, mask


def _ahead(batches: Iterator[Batch], depth: int) -> Iterator[Batch]:
    """Runs an iterator in a thread, `depth` batches ahead; an error in it is raised here."""
    ready: queue.Queue[Batch | BaseException | None] = queue.Queue(depth)
    stopped = threading.Event()

    def work() -> None:
        try:
            for batch in batches:
                while not stopped.is_set():
                    try:
                        ready.put(batch, timeout=0.2)
                        break
                    except queue.Full:
                        continue
                if stopped.is_set():
                    return
            ready.put(None)
        except BaseException as error:
            ready.put(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        while (batch := ready.get()) is not None:
            if isinstance(batch, BaseException):
                raise batch
            yield batch
    finally:
        stopped.set()
