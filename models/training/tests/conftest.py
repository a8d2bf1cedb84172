"""Small data and short recipes that the tests share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from sn34.encode import jpeg_bytes, png_mask_bytes, stored_mp4_bytes
from sn34.recipe import Recipe, parse_recipe

EDGE = 64


def real_or_made(rng: np.random.Generator, made: np.ndarray) -> np.ndarray:
    """A slope with fine noise where real, coarse noise where made; `made` is `[EDGE, EDGE]` of 0 and 255."""
    slope = np.linspace(40, 200, EDGE)[:, None, None] * np.ones((1, EDGE, 3))
    fine = rng.normal(0, 12, (EDGE, EDGE, 3))
    coarse = cv2.resize(rng.normal(0, 12, (EDGE // 4, EDGE // 4, 3)), (EDGE, EDGE), interpolation=cv2.INTER_CUBIC)
    return np.clip(slope + np.where(made[..., None] > 0, coarse, fine), 0, 255).astype(np.uint8)


def write_pictures(root: Path, split: str, count: int, seed: int) -> None:
    """`count` pictures of each class, masks beside the semisynthetic ones."""
    rng = np.random.default_rng(seed)
    for label, name in enumerate(("real", "synthetic", "semisynthetic")):
        (root / split / name).mkdir(parents=True, exist_ok=True)
        (root / split / "masks").mkdir(parents=True, exist_ok=True)
        for index in range(count):
            made = np.full((EDGE, EDGE), 255 if label == 1 else 0, np.uint8)
            if label == 2:
                made[16:48, 16:48] = 255
                (root / split / "masks" / f"{index}.png").write_bytes(png_mask_bytes(made))
            (root / split / name / f"{index}.jpg").write_bytes(jpeg_bytes(real_or_made(rng, made), 95))


def write_clips(root: Path, split: str, count: int, seed: int) -> None:
    """`count` clips of 6 frames of each class."""
    rng = np.random.default_rng(seed)
    for label, name in enumerate(("real", "synthetic", "semisynthetic")):
        (root / split / name).mkdir(parents=True, exist_ok=True)
        made = np.full((EDGE, EDGE), 255 if label == 1 else 0, np.uint8)
        if label == 2:
            made[16:48, 16:48] = 255
        for index in range(count):
            frames = [real_or_made(rng, made) for _ in range(6)]
            (root / split / name / f"{index}.mp4").write_bytes(stored_mp4_bytes(frames, 18))


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder of pictures that must not be written to."""
    root = tmp_path_factory.mktemp("pictures") / "data"
    for seed, split in enumerate(("train", "val", "test")):
        write_pictures(root, split, 6, seed)
    return root


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder of clips that must not be written to."""
    root = tmp_path_factory.mktemp("clips") / "data"
    for seed, split in enumerate(("train", "val", "test")):
        write_clips(root, split, 2, seed)
    return root


SMALL_TRACE = {"channels": [8, 8, 16, 16], "blocks": [0, 0, 0, 1], "width": 8}
SMALL_VIT = {"width": 16, "depth": 3, "heads": 2}


@pytest.fixture
def tiny() -> Callable[..., Recipe]:
    """Builds a recipe of a few steps on crops of 32; `fit`, `data` and `model` change its sections."""

    def build(task: str, network: str = "trace", **sections: dict[str, Any]) -> Recipe:
        options = {"trace": SMALL_TRACE, "vit": SMALL_VIT, "dpt": SMALL_VIT}.get(network, {})
        data = {"levels": [0], "val_levels": [0], "crops": [32], "batch": 4, "edge": 32, "frames": 3}
        fit = {"epochs": 2, "steps": 3, "warmup": 2, "seed": 5, "precision": "float32"}
        return parse_recipe(
            {
                "name": f"tiny-{task}-{network}",
                "task": task,
                "model": {"network": network, "options": options} | sections.get("model", {}),
                "data": data | sections.get("data", {}),
                "fit": {"loss": "bce+dice" if task == "mask" else "cross_entropy"} | fit | sections.get("fit", {}),
            }
        )

    return build


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Sums in one order, whatever the machine."""
    torch.set_num_threads(1)
