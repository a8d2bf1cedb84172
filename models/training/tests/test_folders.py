import shutil

import numpy as np
import pytest

from sn34.encode import png_mask_bytes
from sn34.errors import TrainingError
from sn34.folders import list_items, read_mask, read_picture


@pytest.fixture
def data(pictures, tmp_path):
    return shutil.copytree(pictures, tmp_path / "data")


def test_lists_every_picture_with_its_label_and_mask(pictures):
    items = list_items(pictures, "train", "mask")
    assert [item.label for item in items] == [0] * 6 + [1] * 6 + [2] * 6
    assert all((item.mask is not None) == (item.label == 2) for item in items)


def test_a_split_that_is_not_there_says_how_to_make_one(tmp_path):
    with pytest.raises(TrainingError, match=r"make_data\.py"):
        list_items(tmp_path, "train", "image")


def test_an_empty_class_is_named(data):
    shutil.rmtree(data / "train" / "real")
    with pytest.raises(TrainingError, match="in real"):
        list_items(data, "train", "image")


def test_a_segmenter_needs_every_mask_and_a_detector_none(data):
    (data / "train" / "masks" / "3.png").unlink()
    with pytest.raises(TrainingError, match=r"3\.jpg has no mask"):
        list_items(data, "train", "mask")
    assert len(list_items(data, "train", "image")) == 18


def test_a_mask_of_another_size_names_both_files_and_sizes(data):
    (data / "train" / "masks" / "0.png").write_bytes(png_mask_bytes(np.zeros((10, 20), np.uint8)))
    item = next(item for item in list_items(data, "train", "mask") if item.label == 2)
    with pytest.raises(TrainingError, match=r"20 x 10 and .* is 64 x 64"):
        read_mask(item, 64, 64)


def test_a_damaged_picture_is_named(data):
    path = data / "train" / "real" / "0.jpg"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(TrainingError, match=r"0\.jpg cannot be decoded"):
        read_picture(path)


def test_masks_of_whole_classes_need_no_file(pictures):
    real, made = (next(i for i in list_items(pictures, "train", "mask") if i.label == label) for label in (0, 1))
    assert read_mask(real, 4, 4).max() == 0
    assert read_mask(made, 4, 4).min() == 255
