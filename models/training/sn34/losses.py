"""Losses by name; several are added with `+`, each with an optional weight: `bce+0.5*dice`."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from .errors import TrainingError

Loss = Callable[[Tensor, Tensor], Tensor]

FOCUS = 2.0
"""Exponent of the focal loss: how much a picture that is already told apart counts less."""


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Logits `[N, classes]`, labels `[N]`; labels are smoothed by 0.02, so that logits stay bounded."""
    return functional.cross_entropy(logits, labels, label_smoothing=0.02)


def focal(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross entropy that counts hard pictures more: (1 - p)^2 times as much. Logits `[N, classes]`, labels `[N]`."""
    entropy = functional.cross_entropy(logits, labels, reduction="none")
    return ((1 - torch.exp(-entropy)) ** FOCUS * entropy).mean()


def bce(logits: Tensor, masks: Tensor) -> Tensor:
    """Binary cross entropy of each pixel. Logits and masks `[N, 1, H, W]`, masks 0 to 1."""
    return functional.binary_cross_entropy_with_logits(logits, masks)


def dice(logits: Tensor, masks: Tensor) -> Tensor:
    """1 - 2 |A and B| / (|A| + |B|), softly, of each picture. A picture with an empty mask asks for an empty answer."""
    confidence = torch.sigmoid(logits)
    both = (confidence * masks).sum(dim=(1, 2, 3))
    sizes = confidence.sum(dim=(1, 2, 3)) + masks.sum(dim=(1, 2, 3))
    smooth = _smoothing(masks)
    return (1 - (2 * both + smooth) / (sizes + smooth)).mean()


def iou(logits: Tensor, masks: Tensor) -> Tensor:
    """1 - |A and B| / |A or B|, softly, of each picture: what validators score, made smooth."""
    confidence = torch.sigmoid(logits)
    both = (confidence * masks).sum(dim=(1, 2, 3))
    either = (confidence + masks - confidence * masks).sum(dim=(1, 2, 3))
    smooth = _smoothing(masks)
    return (1 - (both + smooth) / (either + smooth)).mean()


def _smoothing(masks: Tensor) -> float:
    """A hundredth of the picture's pixels: keeps an empty mask from asking the impossible."""
    return masks.shape[-1] * masks.shape[-2] / 100


CLASS_LOSSES: dict[str, Loss] = {"cross_entropy": cross_entropy, "focal": focal}
MASK_LOSSES: dict[str, Loss] = {"bce": bce, "dice": dice, "iou": iou}


def parse_loss(text: str, task: str) -> Loss:
    """The loss that `text` names for a task (`image`, `video` or `mask`).

    Raises TrainingError where a name is unknown or belongs to another task.
    """
    known = MASK_LOSSES if task == "mask" else CLASS_LOSSES
    terms: list[tuple[float, Loss]] = []
    for term in text.replace(" ", "").split("+"):
        weight, _, name = term.rpartition("*")
        if name not in known:
            raise TrainingError(f"no loss {name!r} for task {task}; there are {', '.join(known)}")
        try:
            terms.append((float(weight or 1), known[name]))
        except ValueError:
            raise TrainingError(f"loss {text!r}: {weight!r} is no number") from None

    def total(outputs: Tensor, targets: Tensor) -> Tensor:
        return torch.stack([weight * loss(outputs, targets) for weight, loss in terms]).sum()

    return total
