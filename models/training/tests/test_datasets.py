import numpy as np
import pytest
import torch

from sn34.datasets import CropBatches, Sample, load_samples
from sn34.errors import TrainingError


@pytest.fixture
def samples(pictures):
    return load_samples(pictures, "train", "mask")


def batches(samples, epoch, seed=1, weights=(1, 1, 1), crops=(32,)):
    return list(CropBatches(samples, 8, crops, weights, True, seed).epoch(epoch, 4))


def test_an_epoch_depends_on_its_number_and_the_seed_alone(samples):
    first, again = batches(samples, 3), batches(samples, 3)
    assert all(
        torch.equal(a.pixels, b.pixels) and torch.equal(a.masks, b.masks) for a, b in zip(first, again, strict=True)
    )
    assert not torch.equal(first[0].pixels, batches(samples, 4)[0].pixels)
    assert not torch.equal(first[0].pixels, batches(samples, 3, seed=2)[0].pixels)


def test_batches_are_bytes_with_masks_of_0_and_1(samples):
    for batch in batches(samples, 0):
        assert batch.pixels.dtype == torch.uint8
        assert batch.pixels.shape == (8, 3, 32, 32)
        assert batch.masks.shape == (8, 1, 32, 32)
        assert set(batch.masks.unique().tolist()) <= {0.0, 1.0}
        for label, mask in zip(batch.labels, batch.masks, strict=True):
            assert label == 2 or mask.mean() == label


def test_crops_of_semisynthetic_pictures_show_the_region_and_what_is_around_it(samples):
    for batch in batches(samples, 0, weights=(0, 0, 1)):
        shares = batch.masks.mean(dim=(1, 2, 3))
        assert (shares > 0.03).all()
        assert (shares < 0.9).all()


def test_crops_larger_than_a_picture_are_reflected(samples):
    for batch in batches(samples, 0, crops=(96,)):
        assert batch.pixels.shape[2:] == (96, 96)
        assert torch.equal(batch.pixels[..., 63, :], batch.pixels[..., 64, :]) or batch.pixels.shape[3] == 96


def test_mask_and_picture_are_cut_and_mirrored_alike():
    mask = np.zeros((64, 64), np.uint8)
    mask[8:30, 20:60] = 255
    sample = Sample(np.repeat(mask[..., None], 3, axis=2), 2, mask, 0)
    for batch in batches([sample], 0, weights=(0, 0, 1)):
        assert torch.equal(batch.pixels[:, :1].float() / 255, batch.masks)


def test_clips_come_as_frames(clips, tmp_path):
    from sn34.cache import CacheSpec, build_cache

    cache = build_cache(clips, "train", "video", tmp_path, CacheSpec((0,), frames=3, edge=32), workers=1)
    loaded = load_samples(cache, "train", "video")
    (batch,) = CropBatches(loaded, 4, (32,), (1, 1, 1), False, 1).epoch(0, 1)
    assert batch.pixels.shape == (4, 3, 3, 32, 32)
    assert batch.masks is None


def test_what_does_not_fit_is_refused_with_the_option_to_change(samples, pictures):
    with pytest.raises(TrainingError, match=r"data\.crops"):
        CropBatches(samples, 8, (60,), (1, 1, 1), True, 1)
    with pytest.raises(TrainingError, match=r"data\.class_weights"):
        CropBatches(samples, 8, (32,), (0, 0, 0), True, 1)
    with pytest.raises(TrainingError, match=r"data\.memory_gib"):
        load_samples(pictures, "train", "mask", memory_gib=1e-6)


def test_an_error_while_a_batch_is_made_reaches_whoever_waits_for_it(samples):
    broken = [Sample(np.zeros((64, 64, 4), np.uint8), 0, None, 0), *samples]
    with pytest.raises(ValueError):
        list(CropBatches(broken, 16, (32,), (1, 1, 1), True, 1).epoch(0, 20))
