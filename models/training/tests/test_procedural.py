"""What the procedural data promises: the same bytes from a seed, masks that fit, traces that survive."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from sn34.encode import decode_clip, decode_image, jpeg_bytes, through_jpeg
from sn34.procedural.camera import bayer_filter, demosaic
from sn34.procedural.clip import make_clip
from sn34.procedural.dataset import items_of, write_all, write_clip, write_image
from sn34.procedural.generator import draw_decoder, upsample
from sn34.procedural.picture import CLASSES, make_picture
from sn34.procedural.region import draw_region, mask_of


def rng(*seed: int) -> np.random.Generator:
    return np.random.default_rng([34, *seed])


def files_of(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def write(root: Path, workers: int, seed: int = 1) -> dict[str, bytes]:
    write_all(items_of(root, seed, (6, 3, 0)), write_image, workers, lambda done: None)
    return files_of(root)


def test_the_same_seed_gives_the_same_bytes_whatever_the_number_of_workers(tmp_path: Path) -> None:
    assert write(tmp_path / "one", 1) == write(tmp_path / "two", 2)


def test_another_seed_gives_other_files(tmp_path: Path) -> None:
    first, second = write(tmp_path / "one", 1), write(tmp_path / "two", 1, seed=2)
    assert first.keys() == second.keys()
    assert all(first[name] != second[name] for name in first)


def test_folders_are_those_that_users_bring(tmp_path: Path) -> None:
    files = write(tmp_path, 1)
    for name in files:
        split, folder, stem = Path(name).parts
        assert split in ("train", "val") and folder in (*CLASSES, "masks")
        if folder == "semisynthetic":
            mask = Image.open(io.BytesIO(files[f"{split}/masks/{Path(stem).stem}.png"]))
            assert mask.mode == "L" and mask.size == Image.open(io.BytesIO(files[name])).size
            assert set(np.unique(mask)) == {0, 255}


@pytest.mark.parametrize("label", range(3))
def test_pictures_are_of_few_sizes_and_use_the_range(label: int) -> None:
    for seed in range(5):
        pixels = make_picture(label, rng(label, seed)).pixels
        assert pixels.dtype == np.uint8 and pixels.shape[2] == 3
        assert all(192 <= side <= 384 for side in pixels.shape[:2])
        assert 8 < pixels.std() < 100


def test_the_same_seed_draws_the_same_scene_for_every_class() -> None:
    pictures = [make_picture(label, rng(7)).pixels.astype(np.float32) for label in range(3)]
    coarse = [ndimage.uniform_filter(picture, (32, 32, 1)) for picture in pictures]
    assert np.abs(coarse[0] - coarse[1]).mean() < 3
    assert np.abs(coarse[0] - coarse[2]).mean() < 3


def test_regions_cover_5_to_45_percent() -> None:
    for seed in range(40):
        mask = mask_of(draw_region(rng(seed), 256, 224))
        assert 0.04 < (mask == 255).mean() < 0.47


def fine_differences(pixels: np.ndarray) -> np.ndarray:
    """Second differences between means of 2 x 2 pixels: noise of single pixels leaves them, coarse grain does not.

    The means take away the checkerboard of a generator's last layer, which is as fine.
    """
    height, width = (side // 2 for side in pixels.shape[:2])
    halved = pixels[: 2 * height, : 2 * width].reshape(height, 2, width, 2, 3).mean(axis=(1, 3))
    return np.abs(np.diff(halved, 2, axis=0)).mean(axis=2)


def test_fine_noise_is_missing_inside_the_mask_only() -> None:
    ratios = []
    for seed in range(12):
        picture = make_picture(2, rng(3, seed))
        fine = fine_differences(picture.pixels)
        rows, columns = fine.shape
        mask = (picture.mask > 0)[2 : 2 * rows + 2 : 2, : 2 * columns : 2]
        inside, outside = ndimage.binary_erosion(mask, iterations=3), ~ndimage.binary_dilation(mask, iterations=3)
        ratios.append(np.median(fine[outside]) / np.median(fine[inside]))
    assert np.median(ratios) > 1.5 and np.mean(np.array(ratios) > 1) > 0.8


def test_traces_survive_the_validators_jpeg() -> None:
    noise = {
        label: [
            np.median(fine_differences(through_jpeg(make_picture(label, rng(label, seed)).pixels)))
            for seed in range(12)
        ]
        for label in (0, 1)
    }
    assert np.median(noise[0]) > 1.5 * np.median(noise[1])


def test_variance_of_noise_and_grain_is_alike() -> None:
    def deviation(label: int) -> float:
        pictures = (make_picture(label, rng(seed)) for seed in range(12))
        return float(np.mean([decode_image(jpeg_bytes(p.pixels, p.quality)).std() for p in pictures]))

    assert deviation(0) == pytest.approx(deviation(1), rel=0.02)


def test_interpolation_leaves_smooth_light_alone() -> None:
    light = np.broadcast_to(np.linspace(0, 1, 32, dtype=np.float32)[None, :, None], (24, 32, 3))
    for phase in range(4):
        filled = demosaic(light * bayer_filter(24, 32, phase))
        assert np.allclose(filled[2:-2, 2:-2], light[2:-2, 2:-2], atol=1e-5)


def test_layers_keep_brightness_and_leave_a_checkerboard() -> None:
    kernel = draw_decoder(rng(1)).kernels[0]
    flat = upsample(np.ones((16, 16, 3), np.float32), kernel)
    assert flat.mean() == pytest.approx(1, abs=1e-3)
    assert flat[8, 8, 0] == pytest.approx(flat[10, 10, 0], abs=1e-5)
    assert flat.std() > 1e-3


def test_clips_are_16_to_24_frames_of_even_sides_and_are_stored_whole(tmp_path: Path) -> None:
    (item, *_) = items_of(tmp_path, 5, (3, 0, 0))
    write_clip(item)
    frames = decode_clip(item.path(".mp4").read_bytes())
    assert 16 <= len(frames) <= 24
    assert all(192 <= side <= 256 and side % 2 == 0 for side in frames[0].shape[:2])


@pytest.mark.parametrize("label", range(3))
def test_clips_move_and_their_noise_is_not_frozen(label: int) -> None:
    frames = make_clip(label, rng(label)).frames
    assert np.abs(frames[0].astype(int) - frames[-1]).mean() > 3
