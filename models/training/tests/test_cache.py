import os
import shutil

import numpy as np
import pytest

from sn34.cache import CacheSpec, build_cache, cover, level_of, sample_indices
from sn34.encode import decode_clip, through_jpeg
from sn34.folders import list_items, read_mask, read_picture


def files(root):
    return {path.relative_to(root): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def test_a_cache_is_a_data_folder_at_the_levels_asked_for(pictures, tmp_path):
    cache = build_cache(pictures, "train", "mask", tmp_path, CacheSpec((0, 1, 1)), workers=1)
    items = list_items(cache, "train", "mask")
    assert len(items) == 3 * 18
    assert sorted({level_of(item.path) for item in items}) == [0, 1]
    for item in items:
        height, width = read_picture(item.path).shape[:2]
        assert set(np.unique(read_mask(item, height, width))) <= {0, 255}


def test_workers_and_interruptions_change_no_byte(pictures, tmp_path):
    one = build_cache(pictures, "train", "image", tmp_path / "one", CacheSpec((1, 3)), workers=1)
    two = build_cache(pictures, "train", "image", tmp_path / "two", CacheSpec((1, 3)), workers=2)
    next((two / "train" / "real").iterdir()).unlink()
    build_cache(pictures, "train", "image", two, CacheSpec((1, 3)), workers=2)
    assert files(one) == files(two)


def test_a_picture_that_was_replaced_is_augmented_anew(pictures, tmp_path):
    data = shutil.copytree(pictures, tmp_path / "data")
    cache = build_cache(data, "val", "image", tmp_path / "cache", CacheSpec((0,)), workers=1)
    cached = cache / "val" / "real" / "0~0L0.jpg"
    before = cached.read_bytes()
    shutil.copy(data / "val" / "real" / "1.jpg", data / "val" / "real" / "0.jpg")
    later = cached.stat().st_mtime + 10
    os.utime(data / "val" / "real" / "0.jpg", (later, later))
    build_cache(data, "val", "image", cache, CacheSpec((0,)), workers=1)
    assert cached.read_bytes() != before


def test_a_clip_becomes_the_frames_that_the_miner_would_give(clips, tmp_path):
    spec = CacheSpec((0,), frames=3, edge=32)
    cache = build_cache(clips, "val", "video", tmp_path, spec, workers=1)
    for path in (cache / "val" / "real").glob("*.npy"):
        frames = np.load(path)
        assert frames.shape == (3, 32, 32, 3)
        assert frames.dtype == np.uint8


@pytest.mark.parametrize(
    ("count", "wanted", "expected"),
    [(9, 1, [4]), (10, 1, [4]), (3, 5, [0, 1, 2, 2, 2]), (144, 3, [0, 72, 143]), (8, 8, list(range(8)))],
)
def test_frames_are_sampled_as_the_miner_samples_them(count, wanted, expected):
    assert sample_indices(count, wanted) == expected


def test_cover_keeps_a_picture_of_the_right_size_and_cuts_the_longer_edge():
    rng = np.random.default_rng(3)
    picture = rng.integers(0, 256, (32, 48, 3), dtype=np.uint8)
    assert np.array_equal(cover(picture, 32), picture[:, 8:40])
    assert cover(picture, 16).shape == (16, 16, 3)
    assert cover(picture, 80).shape == (80, 80, 3)


def test_level_is_unknown_of_a_file_that_is_not_cached(pictures):
    assert level_of(list_items(pictures, "train", "image")[0].path) == -1


def test_frames_go_through_jpeg_one_by_one(clips, tmp_path):
    spec = CacheSpec((0,), seed=4, frames=3, edge=64)
    cache = build_cache(clips, "val", "video", tmp_path, spec, workers=1)
    unscaled = 0
    for path in (clips / "val").rglob("*.mp4"):
        decoded = decode_clip(path.read_bytes())
        expected = np.stack([through_jpeg(decoded[index]) for index in sample_indices(6, 3)])
        cached = np.load(cache / "val" / path.parent.name / f"{path.stem}~0L0.npy")
        unscaled += np.array_equal(cached, expected)
    assert unscaled > 0
