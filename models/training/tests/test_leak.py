"""Nothing but the traces tells the classes apart."""

from __future__ import annotations

import numpy as np

from sn34.encode import decode_image, jpeg_bytes
from sn34.leak import search
from sn34.procedural.picture import make_picture
from sn34.workers import in_workers

# Chance alone moves a Matthews coefficient by 0.04 on so many.
TRAIN, HELD_OUT = 900, 690


def stored(index: int) -> np.ndarray:
    picture = make_picture(index % 3, np.random.default_rng([77, index]))
    return decode_image(jpeg_bytes(picture.pixels, picture.quality))


def pictures(first: int, count: int) -> tuple[list[np.ndarray], list[int]]:
    made = list(in_workers(stored, range(first, first + count), workers=2, chunk=16))
    return made, [index % 3 for index in range(first, first + count)]


def test_thumbnails_and_histograms_know_next_to_nothing() -> None:
    findings = search(pictures(0, TRAIN), pictures(TRAIN, HELD_OUT))
    assert len(findings) == 6
    assert not [finding for finding in findings if finding.leaks]


def test_brightness_that_follows_the_class_is_found() -> None:
    generator = np.random.default_rng(1)

    def shaded(count: int) -> tuple[list[np.ndarray], list[int]]:
        labels = [index % 3 for index in range(count)]
        return [generator.integers(0, 180 + 20 * label, (32, 32, 3), dtype=np.uint8) for label in labels], labels

    assert all(finding.leaks for finding in search(shaded(150), shaded(150)) if finding.view == "histograms")
