"""Whether a data set gives its classes away without any trace: `python -m sn34.leak <data>`.

A plain classifier that sees 16 x 16 thumbnails or colour histograms only must know next to nothing, or a network
that is trained on the data learns brightness, colour or composition instead of what a camera or a generator leaves.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import matthews_corrcoef
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from .encode import decode_clip, decode_image
from .procedural.picture import CLASSES

LIMIT = 0.1
"""Matthews coefficient that is next to nothing."""
_EDGE = 16
_BINS = 16


def thumbnail(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """A picture uint8 ``[h, w, 3]`` brought to 16 x 16 by the mean over each cell, ``[768]`` in [0, 1]."""
    small = cv2.resize(pixels, (_EDGE, _EDGE), interpolation=cv2.INTER_AREA)
    return small.astype(np.float32).ravel() / 255


def histogram(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Shares of a picture's pixels in each of 16 steps of R, of G and of B, ``[48]``."""
    planes = [np.bincount(pixels[..., c].ravel() // (256 // _BINS), minlength=_BINS) for c in range(3)]
    return (np.concatenate(planes) / (pixels.size / 3)).astype(np.float32)


VIEWS = {"thumbnails": thumbnail, "histograms": histogram}


def _classifiers() -> dict[str, ClassifierMixin]:
    return {
        "logistic regression": make_pipeline(StandardScaler(), LogisticRegression(C=0.05, max_iter=300)),
        "random forest": RandomForestClassifier(200, min_samples_leaf=3, max_features="sqrt", random_state=0),
        "boosted trees": HistGradientBoostingClassifier(max_iter=50, random_state=0),
    }


@dataclass(frozen=True)
class Finding:
    """What one classifier knows of the classes from one view.

    Attributes:
        view: What it sees.
        classifier: Its name.
        binary: Matthews coefficient of real against the others, in [-1, 1].
        classes: Matthews coefficient of the three classes, in [-1, 1].
    """

    view: str
    classifier: str
    binary: float
    classes: float

    @property
    def leaks(self) -> bool:
        """Whether it knows more than next to nothing."""
        return max(self.binary, self.classes) > LIMIT


def search(
    train: tuple[Sequence[NDArray[np.uint8]], Sequence[int]],
    held_out: tuple[Sequence[NDArray[np.uint8]], Sequence[int]],
) -> list[Finding]:
    """Trains every classifier on every view and judges it on what is held out.

    Args:
        train: Pictures, uint8 ``[h, w, 3]``, and their labels, 0 to 2.
        held_out: The same, others.
    """
    findings = []
    labels, truth = np.array(train[1]), np.array(held_out[1])
    for view, see in VIEWS.items():
        seen, unseen = (np.stack([see(pixels) for pixels in pictures]) for pictures in (train[0], held_out[0]))
        for name, classifier in _classifiers().items():
            guess = classifier.fit(seen, labels).predict(unseen)
            # Real is half of what validators send: judged by a classifier of its own, not by the other's leftovers.
            fake = classifier.fit(seen, labels > 0).predict(unseen)
            findings.append(
                Finding(view, name, matthews_corrcoef(truth > 0, fake), matthews_corrcoef(truth, guess))
            )
    return findings


def load(folder: Path) -> tuple[list[NDArray[np.uint8]], list[int]]:
    """Reads the pictures of a split, or the middle frames of its clips, with their labels."""
    pictures, labels = [], []
    for label, name in enumerate(CLASSES):
        for path in sorted((folder / name).iterdir()):
            data = path.read_bytes()
            if path.suffix == ".mp4":
                frames = decode_clip(data)
                pictures.append(frames[len(frames) // 2])
            else:
                pictures.append(decode_image(data))
            labels.append(label)
    return pictures, labels


def main() -> int:
    """Reads the arguments, prints a table; 1 where something leaks."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="folder with train/ and test/")
    folder = parser.parse_args().data
    held_out = load(folder / "test")
    findings = search(load(folder / "train"), held_out)
    print(f"Matthews coefficient on {len(held_out[1])} files; chance alone gives ±{len(held_out[1]) ** -0.5:.3f}")
    for finding in findings:
        mark = "  leaks" if finding.leaks else ""
        print(f"{finding.view:12}{finding.classifier:22}{finding.binary:8.3f}{finding.classes:8.3f}{mark}")
    return 1 if any(finding.leaks for finding in findings) else 0


if __name__ == "__main__":
    sys.exit(main())
