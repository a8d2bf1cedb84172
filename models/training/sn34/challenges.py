"""Held-out procedural media as validators send it, for judging a running miner: `python -m sn34.challenges`.

Each source is augmented once at every level and encoded as validators encode; `manifest.json` says what each file is.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from .augment import LEVELS, augment, augment_mask, draw_augmentation
from .encode import (
    decode_clip,
    decode_image,
    jpeg_bytes,
    png_mask_bytes,
    stored_mp4_bytes,
    validator_mp4_bytes,
)
from .procedural.clip import make_clip
from .procedural.picture import CLASSES, make_picture
from .workers import in_workers

_PICTURES, _CLIPS = 1, 2


@dataclass(frozen=True)
class Source:
    """One picture or clip to be sent at every level.

    Attributes:
        modality: ``image`` or ``video``.
        index: Its number; its class is ``index % 3``.
    """

    modality: str
    index: int

    @property
    def label(self) -> int:
        """The validators' number of the class: 0 real, 1 synthetic, 2 semisynthetic."""
        return self.index % len(CLASSES)


def write_challenges(root: Path, pictures: int, clips: int, seed: int, workers: int = 2) -> list[dict[str, Any]]:
    """Writes the files and ``manifest.json``.

    Args:
        root: Folder to write to.
        pictures: Pictures at each level, a third of each class.
        clips: Clips at each level, a third of each class.
        seed: One that nothing was trained on.
        workers: Processes; the files do not depend on it.

    Returns:
        The manifest: ``path`` relative to the root, ``modality``, ``label``, ``level``, and ``mask`` or None.
    """
    root.mkdir(parents=True, exist_ok=True)
    sources = [Source("video", index) for index in range(clips)]
    sources += [Source("image", index) for index in range(pictures)]
    write = partial(_write_source, root, seed)
    manifest = [entry for entries in in_workers(write, sources, workers, chunk=1) for entry in entries]
    (root / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
    return manifest


def _write_source(root: Path, seed: int, source: Source) -> list[dict[str, Any]]:
    kind = _PICTURES if source.modality == "image" else _CLIPS
    write = _write_picture if source.modality == "image" else _write_clip
    rngs = [np.random.default_rng([seed, kind, source.index, draw]) for draw in range(1 + len(LEVELS))]
    return write(root, source, rngs[0], dict(zip(LEVELS, rngs[1:], strict=True)))


def _entry(source: Source, level: int, path: str, mask: str | None = None) -> dict[str, Any]:
    return {"path": path, "modality": source.modality, "label": source.label, "level": level, "mask": mask}


def _write_picture(
    root: Path, source: Source, rng: np.random.Generator, levels: dict[int, np.random.Generator]
) -> list[dict[str, Any]]:
    picture = make_picture(source.label, rng)
    stored = decode_image(jpeg_bytes(picture.pixels, picture.quality))
    entries = []
    for level, draws in levels.items():
        stem = f"image-{source.index:04d}-level-{level}"
        augmentation = draw_augmentation(level, draws)
        (root / f"{stem}.jpg").write_bytes(jpeg_bytes(augment(stored, augmentation, draws)))
        mask = None
        if picture.mask is not None:
            mask = f"{stem}.png"
            (root / mask).write_bytes(png_mask_bytes(augment_mask(picture.mask, augmentation)))
        entries.append(_entry(source, level, f"{stem}.jpg", mask))
    return entries


def _write_clip(
    root: Path, source: Source, rng: np.random.Generator, levels: dict[int, np.random.Generator]
) -> list[dict[str, Any]]:
    clip = make_clip(source.label, rng)
    stored = decode_clip(stored_mp4_bytes(clip.frames, clip.crf))
    entries = []
    for level, draws in levels.items():
        path = f"video-{source.index:04d}-level-{level}.mp4"
        augmentation = draw_augmentation(level, draws)
        frames = [augment(frame, augmentation, draws) for frame in stored]
        (root / path).write_bytes(validator_mp4_bytes(frames))
        entries.append(_entry(source, level, path))
    return entries


def main() -> None:
    """Reads the arguments and writes the files."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--pictures", type=int, default=210, help="at each level")
    parser.add_argument("--clips", type=int, default=60, help="at each level")
    parser.add_argument("--seed", type=int, default=340_001)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    write_challenges(options.out, options.pictures, options.clips, options.seed, options.workers)


if __name__ == "__main__":
    main()
