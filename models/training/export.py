"""Writes a run as a folder that the miner runs: `python export.py runs/image --out ../my-detector`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from sn34.errors import TrainingError
from sn34.export import export_model
from sn34.judging import read_temperature
from sn34.training import load_best


def main() -> None:
    """Reads the arguments, exports, prints how far ONNX Runtime is from PyTorch."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="folder that train.py wrote")
    parser.add_argument("--out", type=Path, required=True, help="folder for model.onnx and model.json")
    parser.add_argument("--half", action="store_true", help="float16 weights and arithmetic")
    options = parser.parse_args()
    try:
        recipe, model, _ = load_best(options.run)
        temperature = 1.0 if recipe.task == "mask" else read_temperature(options.run)
        differences = export_model(model, recipe, options.out, temperature, options.half)
    except TrainingError as error:
        sys.exit(f"export.py: {error}")
    for shape, difference in differences.items():
        print(f"{shape}: largest difference from PyTorch {difference:.1e}")
    size = (options.out / "model.onnx").stat().st_size
    print(f"{options.out}: {sum(value.numel() for value in model.parameters())} parameters, {size} bytes")


if __name__ == "__main__":
    main()
