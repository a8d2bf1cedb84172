"""The media that a running miner is judged by."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image

from sn34.challenges import write_challenges
from sn34.encode import decode_clip, decode_image, through_jpeg


def test_every_source_is_sent_at_every_level_with_its_truth(tmp_path: Path) -> None:
    manifest = write_challenges(tmp_path, pictures=3, clips=1, seed=9)
    assert json.loads((tmp_path / "manifest.json").read_text()) == manifest
    assert len(manifest) == 4 * 4
    assert {path.name for path in tmp_path.iterdir()} == {
        "manifest.json",
        *(entry["path"] for entry in manifest),
        *(entry["mask"] for entry in manifest if entry["mask"]),
    }
    for entry in manifest:
        data = (tmp_path / entry["path"]).read_bytes()
        if entry["modality"] == "video":
            assert 16 <= len(decode_clip(data)) <= 24 and entry["label"] == 0 and entry["mask"] is None
            continue
        assert (entry["mask"] is not None) == (entry["label"] == 2)
        if entry["mask"]:
            mask = Image.open(tmp_path / entry["mask"])
            assert mask.size == Image.open(tmp_path / entry["path"]).size
            assert set(np.unique(mask)) == {0, 255}


def test_frames_went_through_jpeg_and_nothing_after(tmp_path: Path) -> None:
    (first, *_) = write_challenges(tmp_path, pictures=0, clips=1, seed=9)
    frame = decode_clip((tmp_path / first["path"]).read_bytes())[0]
    # What went through JPEG hardly changes when it does so again.
    assert np.abs(through_jpeg(frame).astype(int) - frame).mean() < 1.5


def test_the_same_seed_gives_the_same_files_whatever_the_number_of_workers(tmp_path: Path) -> None:
    for workers in (1, 2):
        write_challenges(tmp_path / str(workers), pictures=3, clips=0, seed=9, workers=workers)
    for path in (tmp_path / "1").iterdir():
        assert path.read_bytes() == (tmp_path / "2" / path.name).read_bytes()
    assert decode_image((tmp_path / "1/image-0000-level-0.jpg").read_bytes()).dtype == np.uint8
