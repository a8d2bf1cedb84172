"""Trains a recipe: `python train.py recipes/segmenter-fcn.toml --data data/images --out runs/segmenter`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from sn34.cache import CacheSpec, build_cache
from sn34.datasets import load_samples
from sn34.errors import TrainingError
from sn34.recipe import Recipe, read_recipe
from sn34.training import Trainer, pick_device


def main() -> None:
    """Reads the arguments, augments what is not there yet, trains."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipe", type=Path, help="a file of recipes/")
    parser.add_argument("--data", type=Path, required=True, help="folder with train/ and val/")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run: checkpoints and history")
    parser.add_argument("--cache", type=Path, help="folder for augmented data; default: <data>-cache-<kind>")
    parser.add_argument("--resume", action="store_true", help="go on with the run in --out")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:<n>")
    parser.add_argument("--workers", type=int, default=2, help="processes that augment")
    parser.add_argument("--set", action="append", default=[], metavar="section.key=value", help="change the recipe")
    options = parser.parse_args()
    try:
        recipe = read_recipe(options.recipe, options.set)
        trainer = Trainer(recipe, options.out, pick_device(options.device))
        if options.resume:
            trainer.resume()
        kind = "clips" if recipe.task == "video" else "pictures"
        cache = options.cache or options.data.with_name(f"{options.data.name}-cache-{kind}")
        build_caches(recipe, options.data, cache, options.workers)
        data, task = recipe.data, recipe.task
        train = load_samples(cache, "train", task, data.levels, data.memory_gib)
        val = load_samples(cache, "val", task, data.val_levels, data.memory_gib)
        best = trainer.fit(train, val)
    except TrainingError as error:
        sys.exit(f"train.py: {error}")
    print(f"best validation score {best:.4f}; report: python report.py {options.out} --data {options.data}")


def build_caches(recipe: Recipe, data: Path, cache: Path, workers: int) -> None:
    """Makes the augmented files of both splits that are not there yet."""
    options = recipe.data
    for split, levels, seed in (("train", options.levels, 0), ("val", options.val_levels, 1)):
        spec = CacheSpec(levels, seed, options.frames, options.edge)
        build_cache(data, split, recipe.task, cache, spec, workers)


if __name__ == "__main__":
    main()
