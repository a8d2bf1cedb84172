"""The validators' augmentations: which parameters at which level, and what each does to pixels and masks."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from sn34.augment import Augmentation, augment, augment_mask, draw_augmentation


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def picture(height: int = 60, width: int = 80) -> np.ndarray:
    smooth = cv2.resize(rng(1).integers(0, 256, (6, 8, 3), dtype=np.uint8), (width, height))
    return np.ascontiguousarray(smooth)


def drawn(level: int, count: int = 400) -> list[Augmentation]:
    randomness = rng(level)
    return [draw_augmentation(level, randomness) for _ in range(count)]


def test_level_0_only_resizes_and_half_of_the_time() -> None:
    for one in drawn(0):
        assert one == Augmentation(scale=one.scale) and 0.5 <= one.scale <= 1.5
    assert np.mean([one.scale == 1 for one in drawn(0)]) == pytest.approx(0.5, abs=0.1)


def test_level_1_adds_rotation_and_flips_each_half_of_the_time() -> None:
    ones = drawn(1)
    assert all(-20 <= one.angle <= 20 for one in ones)
    for share in (
        [one.angle != 0 for one in ones],
        [one.mirror for one in ones],
        [one.flip for one in ones],
    ):
        assert np.mean(share) == pytest.approx(0.5, abs=0.1)
    assert not any(one.saturation or one.contrast or one.shrink or one.noise or one.blur for one in ones)


@pytest.mark.parametrize(("level", "three", "two"), [(2, {0, 1}, {0}), (3, {0, 1, 2}, {0, 1, 2})])
def test_levels_2_and_3_draw_strengths(level: int, three: set[int], two: set[int]) -> None:
    ones = drawn(level)
    for name in ("saturation", "contrast", "shrink"):
        assert {getattr(one, name) for one in ones} == three
    for name in ("noise", "blur"):
        assert {getattr(one, name) for one in ones} == two


def test_there_is_no_level_4() -> None:
    with pytest.raises(ValueError, match="not 4"):
        draw_augmentation(4, rng())


def test_nothing_drawn_changes_nothing() -> None:
    assert np.array_equal(augment(picture(), Augmentation(), rng()), picture())


def test_sides_are_scaled_by_one_factor_cut_to_whole_pixels_and_capped() -> None:
    assert augment(picture(61, 81), Augmentation(scale=0.5), rng()).shape == (30, 40, 3)
    assert augment(picture(10, 1800), Augmentation(scale=1.5), rng()).shape == (15, 2048, 3)


def test_flips_mirror_pixels() -> None:
    assert np.array_equal(augment(picture(), Augmentation(mirror=True), rng()), picture()[:, ::-1])
    assert np.array_equal(augment(picture(), Augmentation(flip=True), rng()), picture()[::-1])


def test_a_mask_moves_with_its_picture_and_stays_binary() -> None:
    square = np.zeros((120, 160), np.uint8)
    square[30:80, 90:140] = 255
    as_picture = np.repeat(square[..., None], 3, axis=2)
    for seed in range(12):
        one = draw_augmentation(1, rng(seed))
        moved, mask = augment(as_picture, one, rng()), augment_mask(square, one)
        assert set(np.unique(mask)) == {0, 255}
        assert mask.shape == moved.shape[:2]
        assert ((moved[..., 0] > 127) == (mask > 127)).mean() > 0.98


def test_rotation_keeps_the_size_and_reflects_the_border() -> None:
    white = np.full((40, 50, 3), 200, np.uint8)
    assert np.array_equal(augment(white, Augmentation(angle=17.0), rng()), white)


@pytest.mark.parametrize(("strength", "factor"), [(1, 0.4), (2, 0.3)])
def test_saturation_keeps_luma_and_shrinks_the_distance_from_grey(strength: int, factor: float) -> None:
    red = np.full((4, 4, 3), (200, 40, 40), np.uint8)
    changed = augment(red, Augmentation(saturation=strength), rng())[0, 0].astype(float)
    luma = 0.299 * 200 + 0.587 * 40 + 0.114 * 40
    assert changed[0] == pytest.approx(luma + factor * (200 - luma), abs=1.5)
    assert changed[1] == pytest.approx(luma + factor * (40 - luma), abs=1.5)


def test_contrast_darkens_and_cuts_off() -> None:
    grey = np.full((2, 2, 3), 101, np.uint8)
    assert augment(grey, Augmentation(contrast=1), rng())[0, 0, 0] == int(101 * 0.85)
    assert augment(grey, Augmentation(contrast=2), rng())[0, 0, 0] == int(101 * 0.725)


def test_a_detour_over_a_smaller_size_loses_detail_only() -> None:
    fine = np.tile(np.array([[0], [255]], np.uint8), (20, 40))[..., None].repeat(3, axis=2)
    changed = augment(fine, Augmentation(shrink=1), rng())
    assert changed.shape == fine.shape and changed.std() < 0.2 * fine.std()


@pytest.mark.parametrize(("strength", "variance"), [(1, 0.001), (2, 0.002)])
def test_noise_has_the_strength_that_its_odd_scaling_gives(strength: int, variance: float) -> None:
    grey = np.full((300, 300, 3), 128, np.uint8)
    noisy = augment(grey, Augmentation(noise=strength), rng()).astype(float)
    luma = noisy @ (0.299, 0.587, 0.114)
    assert luma.std() == pytest.approx(np.sqrt(variance) * 255 * 255 / 219, rel=0.03)
    cb = (noisy[..., 2] - luma) / 1.773
    assert cb.std() == pytest.approx(np.sqrt(variance) * 255 * 255 / 224, rel=0.03)


def test_blur_is_wider_at_strength_2() -> None:
    point = np.zeros((31, 31, 3), np.uint8)
    point[15, 15] = 255
    widths = [(augment(point, Augmentation(blur=s), rng()) > 0).any(axis=2).sum() for s in (1, 2)]
    assert 1 < widths[0] < widths[1] <= 81


def test_frames_of_a_clip_get_the_same_geometry_and_noise_of_their_own() -> None:
    one, randomness = Augmentation(angle=9.0, scale=0.8, mirror=True, noise=1), rng()
    first, second = (augment(picture(), one, randomness) for _ in range(2))
    assert first.shape == second.shape and not np.array_equal(first, second)
