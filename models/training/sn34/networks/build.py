"""Networks by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ..errors import TrainingError
from .clip import ClipDetector
from .timm_backbone import TimmDetector, TimmSegmenter
from .trace import TraceDetector, TraceSegmenter
from .vit import DptSegmenter, VitDetector

NETWORKS: dict[str, dict[str, Callable[..., nn.Module]]] = {
    "image": {"trace": TraceDetector, "vit": VitDetector},
    "video": {"trace": ClipDetector},
    "mask": {"trace": TraceSegmenter, "dpt": DptSegmenter},
}
TIMM = "timm:"


def build_network(task: str, network: str, options: dict[str, Any]) -> nn.Module:
    """A fresh network.

    Args:
        task: `image`, `video` or `mask`.
        network: One of `NETWORKS[task]`, or `timm:<backbone>`.
        options: What its constructor takes.

    Raises:
        TrainingError: no such network or option
    """
    known = NETWORKS[task]
    try:
        if network.startswith(TIMM):
            kind = TimmSegmenter if task == "mask" else TimmDetector
            return kind(network.removeprefix(TIMM), **options)
        if network in known:
            return known[network](**options)
    except TypeError as error:
        raise TrainingError(f"model.options of {network}: {error}") from error
    raise TrainingError(f"no network {network!r} for task {task}; there are {', '.join(known)}, timm:<backbone>")


def start_from(model: nn.Module, checkpoint: Path) -> frozenset[str]:
    """Takes the weights of another run whose names and shapes fit, and returns their names.

    Raises:
        TrainingError: no checkpoint there, or nothing in it fits
    """
    file = checkpoint / "best.pt" if checkpoint.is_dir() else checkpoint
    if not file.is_file():
        raise TrainingError(f"model.init_from: there is no {file}; train that recipe first, or leave init_from empty")
    theirs = torch.load(file, map_location="cpu", weights_only=True)["model"]
    ours = model.state_dict()
    fitting = {name: value for name, value in theirs.items() if name in ours and ours[name].shape == value.shape}
    if not fitting:
        raise TrainingError(f"model.init_from: no weight of {file} fits this network")
    model.load_state_dict(fitting, strict=False)
    return frozenset(fitting)
