"""What the subnet scores, computed as validators do."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

CLASSES = ("real", "synthetic", "semisynthetic")


def confusion(labels: NDArray[np.int64], answers: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    """Counts `[truth, answer]`; labels and answers are 0 to classes - 1, of one length."""
    return np.bincount(labels * classes + answers, minlength=classes * classes).reshape(classes, classes)


def matthews(matrix: NDArray[np.int64]) -> float:
    """Matthews coefficient of a confusion matrix, -1 to 1; 0 where only one class is seen in truth or answers."""
    counts = matrix.astype(np.float64)
    total, right = counts.sum(), np.trace(counts)
    truth, answers = counts.sum(axis=1), counts.sum(axis=0)
    under = (total**2 - (answers**2).sum()) * (total**2 - (truth**2).sum())
    return float((right * total - truth @ answers) / np.sqrt(under)) if under > 0 else 0.0


def detector_scores(probabilities: NDArray[np.float64], labels: NDArray[np.int64]) -> dict[str, float]:
    """Binary and three-class MCC, and the reward of 0.75 x binary + 0.25 x three-class, each cut at 0.

    Args:
        probabilities: `[N, 3]`, rows of real, synthetic, semisynthetic. Only the argmax counts, for the binary MCC too.
        labels: `[N]`, 0 to 2
    """
    answers = probabilities.argmax(axis=1)
    binary = matthews(confusion((labels > 0).astype(np.int64), (answers > 0).astype(np.int64), 2))
    multi = matthews(confusion(labels, answers, 3))
    reward = 0.75 * max(0.0, binary) + 0.25 * max(0.0, multi)
    return {"binary_mcc": binary, "multi_mcc": multi, "reward": reward}


def mask_iou(confidence: NDArray[np.floating], truth: NDArray[np.bool_], threshold: float = 0.5) -> float:
    """|A and B| / |A or B| of the pixels above the threshold; both `[H, W]`. NaN where both are empty, as there."""
    answer = confidence > threshold
    either = np.count_nonzero(answer | truth)
    return np.count_nonzero(answer & truth) / either if either else float("nan")


def calibration(
    probabilities: NDArray[np.float64], labels: NDArray[np.int64], bins: int = 10
) -> tuple[list[dict[str, float]], float]:
    """How far the probability of the answer is from how often it is right.

    Returns:
        rows of mean confidence, share that is right and count for each bin that is not empty, and the expected
        calibration error, 0 to 1
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    places = np.minimum((confidence * bins).astype(int), bins - 1)
    rows: list[dict[str, float]] = []
    error = 0.0
    for place in range(bins):
        chosen = places == place
        if not chosen.any():
            continue
        row = {
            "confidence": float(confidence[chosen].mean()),
            "right": float(right[chosen].mean()),
            "count": float(chosen.sum()),
        }
        error += abs(row["confidence"] - row["right"]) * row["count"] / len(labels)
        rows.append(row)
    return rows, error


def fit_temperature(logits: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """The T, 0.05 to 20, for which softmax(logits / T) has the least cross entropy. Changes no argmax.

    One answer more than there are is taken to be wrong, as Platt does: a few files without an error make no model sure.

    Args:
        logits: `[N, classes]`
        labels: `[N]`
    """
    candidates = np.exp(np.linspace(np.log(0.05), np.log(20), 400))
    doubt = 1 / (len(labels) + 1)
    losses = []
    for temperature in candidates:
        scaled = logits / temperature
        scaled = scaled - scaled.max(axis=1, keepdims=True)
        log_total = np.log(np.exp(scaled).sum(axis=1))
        right = log_total - scaled[np.arange(len(labels)), labels]
        losses.append(float((1 - doubt) * right.mean() + doubt * (log_total[:, None] - scaled).mean()))
    return round(float(candidates[int(np.argmin(losses))]), 4)
