"""Trained weights to a folder that the miner runs: `model.onnx`, `model.json`, `weights.safetensors`."""

from __future__ import annotations

import json
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from .errors import TrainingError
from .networks.build import build_network
from .recipe import Recipe, parse_recipe

OPSET = 17
WEIGHTS = "weights.safetensors"
TOLERANCE = 1e-4
"""Largest difference from PyTorch, of logits and of mask confidences, that an export may have."""
HALF_TOLERANCE = 2e-2
"""The same for float16, which keeps 11 bits."""


class Answer(nn.Module):
    """A network as the miner runs it: uint8 pixels in, logits of classes or confidences of pixels out.

    A segmenter's sigmoid is part of the graph, where it costs a tenth of what it would cost outside.
    """

    def __init__(self, model: nn.Module, task: str) -> None:
        super().__init__()
        self.model, self.task = model, task

    def forward(self, pixels: Tensor) -> Tensor:
        """Pixels `[N, 3, H, W]` or `[N, T, 3, H, W]`; logits `[N, 3]` or confidences `[N, 1, H, W]`."""
        answer = self.model(pixels)
        return torch.sigmoid(answer) if self.task == "mask" else answer


def export_model(
    model: nn.Module,
    recipe: Recipe,
    folder: Path,
    temperature: float = 1.0,
    half: bool = False,
) -> dict[str, float]:
    """Writes the folder and compares ONNX Runtime with PyTorch on pictures of several sizes.

    Args:
        model: The trained network, in any mode; it is left in evaluation mode on the CPU.
        recipe: Of that network.
        folder: Where to.
        temperature: What logits are divided by before softmax; written to model.json unless 1.
        half: Whether weights and arithmetic become float16; the input stays uint8.

    Returns:
        the largest absolute difference, by size of input

    Raises:
        TrainingError: the two differ by more than `TOLERANCE`
    """
    folder.mkdir(parents=True, exist_ok=True)
    answer = Answer(model.cpu().eval().to(memory_format=torch.contiguous_format), recipe.task).eval()
    path = folder / "model.onnx"
    _write_onnx(answer, recipe, path)
    if half:
        _to_half(path)
    differences = compare(path, answer, recipe)
    allowed = HALF_TOLERANCE if half else TOLERANCE
    if (worst := max(differences.values())) > allowed:
        path.unlink()
        raise TrainingError(f"ONNX Runtime and PyTorch differ by {worst:.2e}, more than {allowed:.0e}: not exported")
    (folder / "model.json").write_text(_laid_out(model_json(recipe, temperature)))
    weights = folder / WEIGHTS
    values = {name: value.contiguous() for name, value in model.state_dict().items()}
    described = recipe.as_dict()
    # All weights are here; where some once started from is a path of the machine that trained them.
    described["model"]["init_from"] = ""
    save_file(values, weights, metadata={"recipe": json.dumps(described)})
    weights.chmod(0o644)
    return differences


def load_exported(folder: Path) -> tuple[Recipe, nn.Module]:
    """The recipe and the PyTorch network of an exported folder, for comparing it with what the miner answers.

    Raises:
        TrainingError: the folder holds no weights that `export_model` wrote
    """
    file = folder / WEIGHTS
    if not file.is_file():
        raise TrainingError(f"there is no {file}: name a folder that export.py wrote")
    with safe_open(file, "pt") as weights:
        recipe = parse_recipe(json.loads(weights.metadata()["recipe"]))
        values = {name: weights.get_tensor(name) for name in weights.keys()}
    model = build_network(recipe.task, recipe.model.network, recipe.model.options)
    model.load_state_dict(values)
    return recipe, model.eval()


def model_json(recipe: Recipe, temperature: float) -> dict[str, Any]:
    """What the miner is told about the model; layout and element type it reads from the ONNX file itself."""
    fit: dict[str, Any] = {"size": _size(recipe)}
    if recipe.task == "video":
        fit |= {"frames": recipe.data.frames, "fit": "cover"}
    if recipe.task == "mask":
        return {
            "task": "mask",
            "input": fit,
            "output": {"kind": "mask", "maskActivation": "none", "threshold": 0.5},
        }
    output: dict[str, Any] = {"kind": "logits", "classes": ["real", "synthetic", "semisynthetic"]}
    if temperature != 1:
        output["temperature"] = temperature
    return {"task": recipe.task, "input": fit, "output": output}


def _laid_out(contract: dict[str, Any]) -> str:
    """JSON with a line for each field, lists in one line."""
    text = json.dumps(contract, indent=2)
    return re.sub(r"\[[^]]*]", lambda match: json.dumps(json.loads(match[0])), text) + "\n"


def compare(path: Path, answer: nn.Module, recipe: Recipe) -> dict[str, float]:
    """The largest absolute difference between ONNX Runtime and PyTorch for each of several sizes and batches."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(0)
    differences = {}
    for shape in _shapes(recipe):
        pixels = _pixels(shape, rng)
        with torch.no_grad():
            expected = answer(torch.from_numpy(pixels)).numpy()
        (got,) = session.run(None, {"pixels": pixels})
        name = " x ".join(str(edge) for edge in shape)
        differences[name] = float(np.abs(got.astype(np.float32) - expected).max())
    return differences


def _write_onnx(answer: Answer, recipe: Recipe, path: Path) -> None:
    example = torch.from_numpy(_pixels(_shapes(recipe)[0], np.random.default_rng(1)))
    output = "mask" if recipe.task == "mask" else "logits"
    axes = {"pixels": {0: "N"}, output: {0: "N"}}
    if _size(recipe) == "native":
        axes["pixels"] |= {2: "H", 3: "W"}
    if recipe.task == "mask":
        axes["mask"] |= {2: "H", 3: "W"}
    with warnings.catch_warnings(), torch.no_grad():
        # The tracing exporter keeps sizes dynamic through padding and cropping, and warns that it is the older one.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            answer,
            (example,),
            path,
            dynamo=False,
            opset_version=OPSET,
            input_names=["pixels"],
            output_names=[output],
            dynamic_axes=axes,
        )
    onnx.checker.check_model(onnx.load(path), full_check=True)


def _to_half(path: Path) -> None:
    from onnxruntime.transformers.float16 import convert_float_to_float16

    graph = onnx.load(path)
    # Pixels of 0 to 255 and their small differences stay float32: float16 would round the traces away.
    exact = [node.name for node in graph.graph.node if "/stem" in node.name or "/normalise" in node.name]
    onnx.save(convert_float_to_float16(graph, keep_io_types=True, node_block_list=exact), path)


def _size(recipe: Recipe) -> Any:
    return "native" if recipe.is_native else {"height": recipe.data.edge, "width": recipe.data.edge}


def _shapes(recipe: Recipe) -> list[tuple[int, ...]]:
    edge = recipe.data.edge
    if recipe.task == "video":
        return [(count, recipe.data.frames, 3, edge, edge) for count in (1, 2)]
    if _size(recipe) != "native":
        return [(count, 3, edge, edge) for count in (1, 2)]
    return [
        (1, 3, 256, 256),
        (2, 3, 256, 256),
        (1, 3, 203, 250),
        (1, 3, 17, 300),
        (1, 3, 1, 1),
        (1, 3, 640, 480),
    ]


def _pixels(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Slopes with noise on them: noise alone would drive every network into one corner of its answers."""
    rows, columns = shape[-2:]
    slope = np.linspace(20, 220, rows)[:, None] * 0.5 + np.linspace(20, 220, columns) * 0.5
    return np.clip(slope + rng.normal(0, 6, shape), 0, 255).astype(np.uint8)
