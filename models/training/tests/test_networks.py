import pytest
import torch

from sn34.errors import TrainingError
from sn34.networks.blocks import HighPassStem, cut_centre
from sn34.networks.build import build_network


@pytest.mark.parametrize("size", [(1, 1), (15, 33), (64, 48)])
@pytest.mark.parametrize("network", ["trace", "dpt", "timm:resnet10t"])
def test_segmenters_answer_at_the_size_they_are_asked(network, size):
    model = build_network("mask", network, {}).eval()
    pixels = torch.randint(0, 256, (1, 3, *size), dtype=torch.uint8)
    with torch.no_grad():
        assert model(pixels).shape == (1, 1, *size)


@pytest.mark.parametrize("network", ["trace", "vit"])
def test_detectors_take_any_size(network):
    model = build_network("image", network, {}).eval()
    with torch.no_grad():
        for size in ((1, 1), (40, 90)):
            assert model(torch.zeros(2, 3, *size)).shape == (2, 3)


@pytest.mark.parametrize("network", ["trace", "timm:resnet10t"])
def test_video_detectors_look_at_every_frame(network):
    torch.manual_seed(0)
    model = build_network("video", network, {}).eval()
    clip = torch.randint(0, 256, (1, 4, 3, 64, 64), dtype=torch.uint8)
    with torch.no_grad():
        whole = model(clip)
        for frame in range(4):
            changed = clip.clone()
            changed[:, frame] = 128
            assert not torch.allclose(model(changed), whole)


def test_the_stem_sees_no_brightness():
    stem = HighPassStem(8)
    pixels = torch.randint(0, 100, (1, 3, 32, 32)).float()
    assert torch.allclose(stem(pixels), stem(pixels + 100), atol=1e-4)


def test_of_a_very_large_picture_detectors_judge_the_middle():
    pixels = torch.arange(100)[None, None, :, None] * torch.ones(1, 3, 1, 40)
    assert torch.equal(cut_centre(pixels, 40), pixels[:, :, 16:56])
    assert torch.equal(cut_centre(pixels, 100), pixels)


def test_unknown_networks_and_options_are_named():
    with pytest.raises(TrainingError, match="there are trace, vit, timm:<backbone>"):
        build_network("image", "resnet", {})
    with pytest.raises(TrainingError, match=r"model\.options of trace"):
        build_network("image", "trace", {"depth": 3})
    with pytest.raises(TrainingError, match="timm has no model 'resnet10000'"):
        build_network("image", "timm:resnet10000", {})


def test_weights_that_are_not_there_say_what_to_do(tmp_path):
    options = {"weights": str(tmp_path / "none.safetensors")}
    with pytest.raises(TrainingError, match="local file"):
        build_network("image", "timm:resnet10t", options)
