"""Data folders: `<root>/{train,val,test}/{real,synthetic,semisynthetic}/<stem>.*`, and `masks/<stem>.png` there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .errors import TrainingError
from .metrics import CLASSES

PICTURES = (".jpg", ".jpeg", ".png", ".webp")
CLIPS = (".mp4", ".mov")

Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class Item:
    """One file of a data folder.

    Attributes:
        path: The picture or clip.
        label: 0 real, 1 synthetic, 2 semisynthetic.
        mask: Which pixels were made, 0 or 255; None where the folder has none for it.
    """

    path: Path
    label: int
    mask: Path | None


def list_items(root: Path, split: str, task: str) -> list[Item]:
    """The files of one split, sorted by name within their class.

    Args:
        root: Folder of the data set.
        split: `train`, `val` or `test`.
        task: `image`, `video` or `mask`; a mask task demands a mask for each semisynthetic picture.

    Raises:
        TrainingError: no folder, no file of a class that the task needs, a mask that is missing.
    """
    folder = root / split
    if not folder.is_dir():
        raise TrainingError(
            f"there is no folder {folder}: make data with make_data.py, or put your own into "
            f"{folder}/{{{','.join(CLASSES)}}}/"
        )
    suffixes = CLIPS if task == "video" else PICTURES
    items: list[Item] = []
    for label, name in enumerate(CLASSES):
        paths = sorted(
            (path for path in (folder / name).glob("*") if path.suffix.lower() in suffixes),
            key=lambda path: path.name,
        )
        items += [Item(path, label, _mask_of(folder, path, label, task)) for path in paths]
    counts = [sum(item.label == label for item in items) for label in range(len(CLASSES))]
    wanted = [2] if task == "mask" else [0]
    lacking = [CLASSES[label] for label in wanted if counts[label] == 0]
    if lacking or (task != "mask" and counts[1] + counts[2] == 0):
        kinds = ", ".join(suffixes)
        lack = lacking[0] if lacking else "synthetic and in semisynthetic"
        raise TrainingError(f"{folder} has no file ({kinds}) in {lack}: task {task} needs some")
    return items


def read_picture(path: Path) -> Bytes:
    """Decodes a picture to R, G, B `[H, W, 3]` as the miner does: no rotation, no colour profile."""
    try:
        with Image.open(path) as image:
            return np.asarray(image.convert("RGB"))
    except OSError as error:
        raise TrainingError(f"{path} cannot be decoded ({error}): remove it, or repair it") from error


def read_mask(item: Item, height: int, width: int) -> Bytes:
    """The truth of a picture `[H, W]`, 0 or 255: all made for a synthetic one, nothing for a real one.

    Raises:
        TrainingError: the mask has another size than the picture
    """
    if item.mask is None:
        return np.full((height, width), 255 if item.label == 1 else 0, np.uint8)
    try:
        with Image.open(item.mask) as image:
            mask = np.asarray(image.convert("L"))
    except OSError as error:
        raise TrainingError(f"{item.mask} cannot be decoded ({error})") from error
    if mask.shape != (height, width):
        raise TrainingError(
            f"{item.mask} is {mask.shape[1]} x {mask.shape[0]} and {item.path} is {width} x {height}: "
            "a mask has its picture's size"
        )
    return np.where(mask > 127, np.uint8(255), np.uint8(0))


def _mask_of(folder: Path, path: Path, label: int, task: str) -> Path | None:
    if label != 2:
        return None
    mask = folder / "masks" / f"{path.stem}.png"
    if mask.is_file():
        return mask
    if task == "mask":
        raise TrainingError(f"{path} has no mask: put {mask} there (0 real, 255 made), or take the picture out")
    return None
