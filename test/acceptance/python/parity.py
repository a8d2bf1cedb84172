"""PyTorch's side of the parity test: variants of a model for the miner, and what PyTorch itself answers.

    python parity.py <exported model> <folder with pictures> <folder for the variants>

Writes `answers.json`, by picture and variant, and for each variant a folder with model.onnx and model.json. Variants
take normalised float32 pixels as NHWC: `native` at the picture's size, `resized` at a fixed one. The others are made as someone in error would make them; what they are compared with is the
model in order.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

from sn34.export import OPSET, load_exported

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
EDGE = 224
"""Some pictures of a set are smaller, most are larger."""


class Normalised(nn.Module):
    """A network of pixels made into one of normalised `[N, H, W, 3]`."""

    def __init__(self, network: nn.Module, mistake: str | None = None) -> None:
        super().__init__()
        self.network, self.mistake = network, mistake
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 1, 1, 3))
        self.register_buffer("std", torch.tensor(STD).view(1, 1, 1, 3))

    def forward(self, pictures: Tensor) -> Tensor:
        """Logits `[N, 3]`."""
        # Rounded and bounded to what pixels are: a wrong mean must not pass a network that ignores brightness.
        pixels = torch.clamp(torch.round((pictures * self.std + self.mean) * 255), 0, 255)
        if self.mistake == "bgr":
            pixels = pixels.flip(3)
        # What a mistaken layout does: rows are taken for columns.
        order = (0, 3, 2, 1) if self.mistake == "layout" else (0, 3, 1, 2)
        return self.network(pixels.permute(*order))


def write_variant(
    folder: Path, model: nn.Module, size: object, output: dict[str, object], mean: tuple[float, ...] = MEAN
) -> None:
    """Writes a folder that the miner runs; `output` is what the exported model's contract says of its output."""
    folder.mkdir(parents=True)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model.eval(),
            (torch.rand(1, 224, 224, 3),),
            folder / "model.onnx",
            dynamo=False,
            opset_version=OPSET,
            input_names=["pictures"],
            output_names=["logits"],
            dynamic_axes={"pictures": {0: "N", 1: "H", 2: "W"}, "logits": {0: "N"}},
        )
    contract = {
        "input": {
            "layout": "NHWC",
            "dtype": "float32",
            "size": size,
            "scale": 1 / 255,
            "mean": mean,
            "std": STD,
        },
        "output": output,
    }
    if size != "native":
        contract["input"]["fit"] = "cover"
    (folder / "model.json").write_text(json.dumps(contract))


def covering(picture: Image.Image) -> Image.Image:
    """The shortest edge brought to `EDGE`, then the centre cut out, as torchvision's `Resize` and `CenterCrop` do."""
    short = min(picture.size)
    width, height = (edge * EDGE // short for edge in picture.size)
    left, top = round((width - EDGE) / 2), round((height - EDGE) / 2)
    resized = picture.resize((width, height), Image.Resampling.BILINEAR)
    return resized.crop((left, top, left + EDGE, top + EDGE))


def pixels(picture: Image.Image) -> Tensor:
    """uint8 `[3, h, w]`."""
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1)


def answer(network: nn.Module, picture: Tensor, temperature: float) -> list[float]:
    """Probabilities of the three classes, from pixels `[3, h, w]`, without any of the above."""
    with torch.no_grad():
        return functional.softmax(network(picture[None])[0].double() / temperature, dim=0).tolist()


def main() -> None:
    """Reads the arguments and writes the folders."""
    exported, pictures, out = map(Path, sys.argv[1:4])
    torch.manual_seed(0)
    _, network = load_exported(exported)
    output = json.loads((exported / "model.json").read_text())["output"]
    temperature = output.get("temperature", 1.0)
    write_variant(out / "native", Normalised(network), "native", output)
    write_variant(out / "resized", Normalised(network), {"height": EDGE, "width": EDGE}, output)
    write_variant(out / "bgr", Normalised(network, "bgr"), "native", output)
    write_variant(out / "layout", Normalised(network, "layout"), "native", output)
    write_variant(out / "mean", Normalised(network), "native", output, mean=(0.0, 0.0, 0.0))
    answers = {}
    for path in sorted(pictures.glob("image-*-level-1.jpg")):
        with Image.open(path) as file:
            picture = file.convert("RGB")
        answers[path.name] = {
            "native": answer(network, pixels(picture), temperature),
            "resized": answer(network, pixels(covering(picture)), temperature),
            "edge": min(picture.size),
        }
    (out / "answers.json").write_text(json.dumps(answers))


if __name__ == "__main__":
    main()
