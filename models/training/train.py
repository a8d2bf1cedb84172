"""Trains a recipe: `python train.py recipes/segmenter-fcn.toml --data data/images --out runs/segmenter`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch

from sn34.errors import TrainingError
from sn34.judging import judge, load_split
from sn34.recipe import read_recipe
from sn34.training import Trainer, pick_device


def main() -> None:
    """Reads the arguments, augments what is not there yet, trains."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipe", type=Path, help="a file of recipes/")
    parser.add_argument("--data", type=Path, required=True, help="folder with train/ and val/")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run: checkpoints and history")
    parser.add_argument("--resume", action="store_true", help="go on with the run in --out")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:<n>")
    parser.add_argument("--workers", type=int, default=2, help="processes that augment")
    parser.add_argument("--set", action="append", default=[], metavar="section.key=value", help="change the recipe")
    parser.add_argument("--threads", type=int, default=0, help="of the CPU; on a shared machine 1 can be fastest")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    try:
        recipe = read_recipe(options.recipe, options.set)
        trainer = Trainer(recipe, options.out, pick_device(options.device))
        if options.resume:
            trainer.resume()
        train, val = (load_split(recipe, options.data, split, options.workers) for split in ("train", "val"))
        trainer.fit(train, val)
        page = judge(options.out, val, "val", trainer.device)
    except TrainingError as error:
        sys.exit(f"train.py: {error}")
    print(f"best validation score {trainer.best:.4f}, {page}")


if __name__ == "__main__":
    main()
