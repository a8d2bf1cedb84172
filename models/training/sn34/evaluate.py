"""A model's answers to whole files, and what validators would score them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from .datasets import Sample
from .metrics import detector_scores, mask_iou


@dataclass
class Evaluation:
    """What a model made of a split.

    Attributes:
        score: What early stopping compares: the reward of a detector, the mean IoU of a segmenter.
        overall: Figures over all samples.
        by_level: The same figures for each augmentation level.
        logits: `[N, 3]` of a detector, in the order of `labels`; None of a segmenter.
        labels: `[N]`.
    """

    score: float
    overall: dict[str, float]
    by_level: dict[int, dict[str, float]]
    labels: NDArray[np.int64]
    logits: NDArray[np.float64] | None = None
    levels: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))

    def as_dict(self) -> dict[str, Any]:
        """The figures alone."""
        levels = {str(level): figures for level, figures in sorted(self.by_level.items())}
        return {"score": self.score, "overall": self.overall, "by_level": levels}


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities along the last axis."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


@torch.no_grad()
def evaluate(model: nn.Module, task: str, samples: Sequence[Sample], device: torch.device) -> Evaluation:
    """Runs the model over each whole file, one by one, as the miner does.

    Segmenters are judged on semisynthetic pictures alone, as validators send them no others.
    """
    was_training = model.training
    model.eval()
    if task == "mask":
        samples = [sample for sample in samples if sample.mask is not None]
    answers = []
    for sample in samples:
        pixels = torch.from_numpy(np.moveaxis(sample.pixels, -1, -3).copy())[None].to(device)
        answer = model(pixels).float().cpu().numpy()[0]
        answers.append(mask_iou(answer[0], _truth(sample), threshold=0.0) if task == "mask" else answer)
    model.train(was_training)
    labels = np.array([sample.label for sample in samples], np.int64)
    levels = np.array([sample.level for sample in samples], np.int64)
    values = np.array(answers, np.float64)
    figures = _mask_figures if task == "mask" else _detector_figures
    overall = figures(values, labels)
    by_level = {int(level): figures(values[levels == level], labels[levels == level]) for level in set(levels)}
    score = overall["mean_iou"] if task == "mask" else overall["reward"]
    return Evaluation(score, overall, by_level, labels, None if task == "mask" else values, levels)


def _truth(sample: Sample) -> NDArray[np.bool_]:
    assert sample.mask is not None
    return sample.mask > 127


def _mask_figures(values: NDArray[np.float64], labels: NDArray[np.int64]) -> dict[str, float]:
    return {"mean_iou": float(np.nanmean(values)), "worst_tenth_iou": float(np.nanquantile(values, 0.1))}


def _detector_figures(values: NDArray[np.float64], labels: NDArray[np.int64]) -> dict[str, float]:
    return detector_scores(softmax(values), labels)
