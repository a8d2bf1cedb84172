"""Judges a run at every augmentation level: `python report.py runs/image --data data/images --split test`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch

from sn34.errors import TrainingError
from sn34.judging import judge, load_split
from sn34.training import load_best, pick_device

LEVELS = (0, 1, 2, 3)


def main() -> None:
    """Reads the arguments, augments the split, judges, writes the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="folder that train.py wrote")
    parser.add_argument("--data", type=Path, required=True, help="folder with the split")
    parser.add_argument("--split", default="test", choices=("val", "test"))
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:<n>")
    parser.add_argument("--workers", type=int, default=2, help="processes that augment")
    parser.add_argument("--threads", type=int, default=0, help="of the CPU; on a shared machine 1 can be fastest")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    try:
        recipe, _, _ = load_best(options.run)
        # The temperature is fitted at the levels that early stopping looks at.
        levels = LEVELS if options.split == "test" else recipe.data.val_levels
        samples = load_split(recipe, options.data, options.split, options.workers, levels)
        print(judge(options.run, samples, options.split, pick_device(options.device)))
    except TrainingError as error:
        sys.exit(f"report.py: {error}")


if __name__ == "__main__":
    main()
