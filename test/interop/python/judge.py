"""How a validator judges answers: what it refuses, and what a mask is worth."""

import json
import math

import cv2
import numpy as np

SUM_TOLERANCE = 1e-6


class Rejected(Exception):
    """The answer earns nothing; says why."""


def read_prediction(body: bytes) -> list[float]:
    """[p_real, p_synthetic, p_semisynthetic] of a detector's JSON answer."""
    answer = json.loads(body)
    if "prediction" not in answer:
        raise Rejected("Missing prediction in response")
    try:
        values = [float(value) for value in answer["prediction"]]
    except (TypeError, ValueError) as error:
        raise Rejected(f"Invalid prediction value: {error}") from error
    if len(values) == 2:
        values.append(0.0)
    if abs(sum(values) - 1.0) > SUM_TOLERANCE:
        raise Rejected(f"Invalid prediction value: the sum is 1 {sum(values) - 1:+.2e}")
    if any(value < 0 or value > 1 for value in values):
        raise Rejected(f"Invalid prediction value: {values} leaves [0, 1]")
    # A validator does not look at these two, and its scores break on them later.
    if len(values) != 3 or not all(math.isfinite(value) for value in values):
        raise Rejected(f"{values} are not three finite numbers")
    return values


def read_mask(body: bytes, shape_header: str | None) -> np.ndarray:
    """The float16 mask of a segmenter's answer."""
    if shape_header is None:
        raise Rejected("Missing X-Mask-Shape header")
    try:
        height, width = (int(edge) for edge in shape_header.split(","))
        mask = np.frombuffer(body, dtype="<f2").reshape(height, width)
    except ValueError as error:
        raise Rejected(f"Invalid prediction value: {error}") from error
    if np.any(mask < 0) or np.any(mask > 1):
        raise Rejected("Invalid prediction value: the mask leaves [0, 1]")
    return mask


def intersection_over_union(mask: np.ndarray, truth: np.ndarray) -> float:
    """
    What a mask earns. Soft values of another shape than the truth's are cast to uint8 before they are resized, so
    that only 1.0 survives; hard ones are never resized.
    """
    if not np.all((mask == 0) | (mask == 1)):
        if mask.shape != truth.shape:
            mask = cv2.resize(mask.astype(np.uint8), (truth.shape[1], truth.shape[0]))
        mask = np.round(mask).astype(np.uint8)
    elif mask.shape != truth.shape:
        raise Rejected(f"the mask is {mask.shape} and the picture {truth.shape}")
    marked, wanted = mask.astype(bool), truth.astype(bool)
    union = np.logical_or(marked, wanted).sum()
    return float(np.logical_and(marked, wanted).sum() / union) if union else math.nan
