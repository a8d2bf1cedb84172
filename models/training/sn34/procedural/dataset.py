"""Writes pictures and clips into the folders that training reads, the same that users bring."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..encode import jpeg_bytes, png_mask_bytes, stored_mp4_bytes
from ..workers import in_workers
from .clip import make_clip
from .picture import CLASSES, make_picture

SPLITS = ("train", "val", "test")
_IMAGES, _CLIPS = 1, 2


@dataclass(frozen=True)
class Item:
    """One file to be made.

    Attributes:
        root: Folder of the data set.
        seed: Of the data set.
        split: Index into ``SPLITS``.
        index: Number of the file in its split; its class is ``index % 3``.
    """

    root: Path
    seed: int
    split: int
    index: int

    @property
    def label(self) -> int:
        """The validators' number of the class: 0 real, 1 synthetic, 2 semisynthetic."""
        return self.index % len(CLASSES)

    def rng(self, kind: int) -> np.random.Generator:
        """Randomness that depends on the item alone, so that the number of workers changes nothing."""
        return np.random.default_rng([self.seed, kind, self.split, self.index])

    def path(self, suffix: str) -> Path:
        """Where the file goes, ``<root>/<split>/<class>/<stem><suffix>``."""
        return self.root / SPLITS[self.split] / CLASSES[self.label] / f"{self.index:06d}{suffix}"

    def mask_path(self) -> Path:
        """Where its mask goes, ``<root>/<split>/masks/<stem>.png``."""
        return self.root / SPLITS[self.split] / "masks" / f"{self.index:06d}.png"


def items_of(root: Path, seed: int, counts: Iterable[int]) -> list[Item]:
    """Lists the files of a data set and makes its folders; ``counts`` is files per split, a third of each class."""
    items = []
    for split, count in enumerate(counts):
        for name in (*CLASSES, "masks"):
            (root / SPLITS[split] / name).mkdir(parents=True, exist_ok=True)
        items += [Item(root, seed, split, index) for index in range(count)]
    return items


def write_image(item: Item) -> None:
    """Makes one picture and stores it as a JPEG, its mask as a PNG."""
    picture = make_picture(item.label, item.rng(_IMAGES))
    item.path(".jpg").write_bytes(jpeg_bytes(picture.pixels, picture.quality))
    if picture.mask is not None:
        item.mask_path().write_bytes(png_mask_bytes(picture.mask))


def write_clip(item: Item) -> None:
    """Makes one clip and stores it as H.264."""
    clip = make_clip(item.label, item.rng(_CLIPS))
    item.path(".mp4").write_bytes(stored_mp4_bytes(clip.frames, clip.crf))


def write_all(
    items: list[Item], write: Callable[[Item], None], workers: int, progress: Callable[[int], None]
) -> None:
    """Makes all files.

    Args:
        items: What to make.
        write: Makes one.
        workers: Processes; 1 makes all in this one.
        progress: Is told how many are done, after each.
    """
    for done, _ in enumerate(in_workers(write, items, workers, chunk=8), 1):
        progress(done)
