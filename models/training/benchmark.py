"""Times a model on one core: `python benchmark.py ../example-image-detector`."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import onnxruntime

WARMUP = 5


def main() -> None:
    """Reads the arguments, runs the model over noise, prints milliseconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path, help="folder with model.onnx and model.json")
    parser.add_argument("--edge", type=int, default=256, help="of pictures, where the model takes any size")
    parser.add_argument("--runs", type=int, default=100)
    options = parser.parse_args()
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(options.model / "model.onnx", settings, providers=["CPUExecutionProvider"])
    said = json.loads((options.model / "model.json").read_text())["input"]
    edge = options.edge if said["size"] == "native" else said["size"]["height"]
    shape = (1, said["frames"], 3, edge, edge) if "frames" in said else (1, 3, edge, edge)
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    times = []
    for _ in range(WARMUP + options.runs):
        started = time.perf_counter()
        session.run(None, {session.get_inputs()[0].name: pixels})
        times.append((time.perf_counter() - started) * 1000)
    p50, p95 = np.quantile(times[WARMUP:], (0.5, 0.95))
    print(f"{' x '.join(map(str, shape))}: p50 {p50:.1f} ms, p95 {p95:.1f} ms on one core")


if __name__ == "__main__":
    main()
