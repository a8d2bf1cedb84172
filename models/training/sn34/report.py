"""A page about a run: figures at each augmentation level, confusion matrix, calibration, and how training went."""

from __future__ import annotations

import base64
import html
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import numpy as np
from matplotlib import pyplot
from matplotlib.axes import Axes

from .evaluate import Evaluation, softmax
from .metrics import CLASSES, calibration, confusion

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
table { border-collapse: collapse; margin: 1rem 0 }
th, td { border: 1px solid #ccc; padding: .3rem .7rem; text-align: right }
img { max-width: 100% }
"""


def write_report(
    folder: Path, title: str, result: Evaluation, history: Sequence[dict[str, Any]], temperature: float
) -> Path:
    """Writes `report.html` (one file, pictures inside) and `report.json`; returns the page's path.

    Args:
        folder: Where to.
        title: The recipe's name and the split that was judged.
        result: Answers to the split.
        history: Epochs as the trainer noted them; may be empty.
        temperature: That the probabilities are judged with.
    """
    figures: dict[str, Any] = {"title": title, "temperature": temperature, **result.as_dict()}
    pictures = []
    if result.logits is not None:
        probabilities = softmax(result.logits / temperature)
        matrix = confusion(result.labels, probabilities.argmax(axis=1), len(CLASSES))
        rows, error = calibration(probabilities, result.labels)
        figures |= {"confusion": matrix.tolist(), "calibration": rows, "calibration_error": error}
        pictures.append(("Confusion matrix", _picture(lambda axes: _draw_confusion(axes, matrix))))
        pictures.append(("Calibration", _picture(lambda axes: _draw_calibration(axes, rows, error))))
    if history:
        pictures.append(("Training", _picture(lambda axes: _draw_history(axes, history))))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_text(json.dumps(figures, indent=2) + "\n")
    page = folder / "report.html"
    page.write_text(_page(title, result, pictures))
    return page


def _page(title: str, result: Evaluation, pictures: Sequence[tuple[str, str]]) -> str:
    names = list(result.overall)
    head = "".join(f"<th>{html.escape(name)}</th>" for name in ("level", *names))
    lines = [("all", result.overall), *sorted((str(level), row) for level, row in result.by_level.items())]
    body = "".join(
        f"<tr><td>{level}</td>{''.join(f'<td>{row[name]:.4f}</td>' for name in names)}</tr>" for level, row in lines
    )
    images = "".join(f'<h2>{name}</h2><img alt="{name}" src="data:image/png;base64,{data}">' for name, data in pictures)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f"<style>{STYLE}</style><h1>{html.escape(title)}</h1>"
        f"<p>{len(result.labels)} files, as validators encode them. Score: {result.score:.4f}.</p>"
        f"<table><tr>{head}</tr>{body}</table>{images}</html>\n"
    )


def _picture(draw: Callable[[Axes], None]) -> str:
    figure, axes = pyplot.subplots(figsize=(5.5, 4.2), layout="constrained")
    draw(axes)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    pyplot.close(figure)
    return base64.b64encode(buffer.getvalue()).decode()


def _draw_confusion(axes: Axes, matrix: np.ndarray) -> None:
    axes.imshow(matrix / np.maximum(1, matrix.sum(axis=1, keepdims=True)), cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(matrix):
        axes.text(column, row, str(count), ha="center", va="center")
    axes.set(xlabel="answer", ylabel="truth")
    axes.set_xticks(range(3), CLASSES)
    axes.set_yticks(range(3), CLASSES)


def _draw_calibration(axes: Axes, rows: Sequence[dict[str, float]], error: float) -> None:
    axes.plot([0, 1], [0, 1], color="#999", linewidth=1)
    sizes = [20 + 200 * row["count"] / sum(other["count"] for other in rows) for row in rows]
    axes.scatter([row["confidence"] for row in rows], [row["right"] for row in rows], sizes)
    axes.set(
        xlabel="probability of the answer", ylabel="share that is right", xlim=(0.3, 1.02), ylim=(0, 1.02),
        title=f"expected calibration error {error:.3f}",
    )  # fmt: skip


def _draw_history(axes: Axes, history: Sequence[dict[str, Any]]) -> None:
    epochs = [row["epoch"] for row in history]
    axes.plot(epochs, [row["score"] for row in history], label="validation score")
    axes.plot(epochs, [row["loss"] for row in history], label="training loss")
    axes.set(xlabel="epoch")
    axes.legend()
