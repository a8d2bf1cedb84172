"""From a data folder to a verdict: a split as validators send it, the answers of a run, its report."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from .cache import CacheSpec, build_cache, cache_folder, cover
from .datasets import Sample, load_samples
from .errors import TrainingError
from .evaluate import evaluate
from .metrics import fit_temperature
from .recipe import Recipe
from .report import write_report
from .training import load_best

SEEDS = {"train": 0, "val": 1, "test": 2}


def load_split(
    recipe: Recipe, data: Path, split: str, workers: int, levels: tuple[int, ...] | None = None
) -> list[Sample]:
    """Augments what is not cached yet, and decodes the split.

    Args:
        recipe: Says the levels, and the shape of clips.
        data: Folder of the data set.
        split: `train`, `val` or `test`.
        workers: Processes that augment.
        levels: Augmentation levels instead of the recipe's.
    """
    options = recipe.data
    levels = levels or (options.levels if split == "train" else options.val_levels)
    spec = CacheSpec(levels, SEEDS[split], options.frames, options.edge)
    cache = cache_folder(data, recipe.task, spec)
    build_cache(data, split, recipe.task, cache, spec, workers)
    samples = load_samples(cache, split, recipe.task, levels, options.memory_gib)
    if recipe.is_native or recipe.task == "video":
        return samples
    return [fit_sample(sample, recipe.task, options.edge) for sample in samples]


def fit_sample(sample: Sample, task: str, edge: int) -> Sample:
    """A picture as the miner gives it to a network of one size: covering it, or stretched where masks are asked for."""
    if task == "image":
        return dataclasses.replace(sample, pixels=cover(sample.pixels, edge), mask=None)
    pixels = Image.fromarray(sample.pixels).resize((edge, edge), Image.Resampling.BILINEAR)
    mask = sample.mask
    if mask is not None:
        mask = np.asarray(Image.fromarray(mask).resize((edge, edge), Image.Resampling.NEAREST))
    return dataclasses.replace(sample, pixels=np.asarray(pixels), mask=mask)


def judge(run: Path, samples: Sequence[Sample], split: str, device: torch.device) -> Path:
    """Writes the report of a run's best weights on a split to `<run>/<split>/`, and returns its page.

    The temperature is fitted on `val`, and kept for other splits.
    """
    recipe, model, _ = load_best(run)
    result = evaluate(model.to(device), recipe.task, samples, device)
    if result.logits is None:
        temperature = 1.0
    else:
        temperature = fit_temperature(result.logits, result.labels) if split == "val" else read_temperature(run)
    history = run / "history.json"
    epochs = json.loads(history.read_text()) if history.is_file() else []
    for level, figures in sorted(result.by_level.items()):
        print(f"{split}, level {level}: " + ", ".join(f"{name} {value:.4f}" for name, value in figures.items()))
    return write_report(run / split, f"{recipe.name}, {split}", result, epochs, temperature)


def read_temperature(run: Path) -> float:
    """What was fitted on `val`.

    Raises:
        TrainingError: the run has not been judged there
    """
    file = run / "val" / "report.json"
    if not file.is_file():
        raise TrainingError(f"there is no {file}: let train.py finish, or run report.py with --split val")
    return float(json.loads(file.read_text())["temperature"])
