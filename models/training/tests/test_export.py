import json

import numpy as np
import onnxruntime
import pytest
import torch

from sn34.errors import TrainingError
from sn34.export import export_model, load_exported
from sn34.networks.build import build_network

NETWORKS = [
    ("image", "trace"),
    ("image", "vit"),
    ("image", "timm:resnet10t"),
    ("mask", "trace"),
    ("mask", "dpt"),
    ("mask", "timm:resnet10t"),
    ("video", "trace"),
    ("video", "timm:resnet10t"),
]


def network_of(recipe):
    torch.manual_seed(1)
    return build_network(recipe.task, recipe.model.network, recipe.model.options)


@pytest.mark.parametrize(("task", "network"), NETWORKS)
def test_every_network_answers_in_onnx_as_in_pytorch(tiny, tmp_path, task, network):
    recipe = tiny(task, network, data={"edge": 64})
    differences = export_model(network_of(recipe), recipe, tmp_path)
    assert max(differences.values()) < 1e-4
    said = json.loads((tmp_path / "model.json").read_text())
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    (pixels,) = session.get_inputs()
    assert pixels.type == "tensor(uint8)"
    assert len(pixels.shape) == (5 if task == "video" else 4)
    if network == "trace" and task != "video":
        assert said["input"]["size"] == "native"
        assert pixels.shape[2:] == ["H", "W"]


def test_a_segmenter_gives_confidences_at_the_pictures_size(tiny, tmp_path):
    recipe = tiny("mask")
    export_model(network_of(recipe), recipe, tmp_path)
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    pixels = np.random.default_rng(1).integers(0, 256, (1, 3, 37, 91), dtype=np.uint8)
    (mask,) = session.run(None, {"pixels": pixels})
    assert mask.shape == (1, 1, 37, 91)
    assert 0 <= mask.min() <= mask.max() <= 1


def test_an_exported_folder_gives_the_network_back(tiny, tmp_path):
    recipe = tiny("video")
    network = network_of(recipe).eval()
    export_model(network, recipe, tmp_path)
    loaded, again = load_exported(tmp_path)
    clip = torch.randint(0, 256, (1, 3, 3, 32, 32), dtype=torch.uint8)
    with torch.no_grad():
        assert torch.equal(network(clip), again(clip))
    assert loaded == recipe
    with pytest.raises(TrainingError, match=r"export\.py"):
        load_exported(tmp_path / "none")


def test_temperature_is_told_to_the_miner_and_not_built_in(tiny, tmp_path):
    recipe = tiny("image")
    export_model(network_of(recipe), recipe, tmp_path, temperature=1.7)
    assert json.loads((tmp_path / "model.json").read_text())["output"]["temperature"] == 1.7


def test_float16_halves_the_file(tiny, tmp_path):
    recipe = tiny("image", model={"options": {}})
    export_model(network_of(recipe), recipe, tmp_path / "whole")
    export_model(network_of(recipe), recipe, tmp_path / "half", half=True)
    whole, half = ((tmp_path / name / "model.onnx").stat().st_size for name in ("whole", "half"))
    assert half < 0.6 * whole


def test_a_difference_is_no_export(tiny, tmp_path, monkeypatch):
    recipe = tiny("image")
    monkeypatch.setattr("sn34.export.TOLERANCE", -1.0)
    with pytest.raises(TrainingError, match="not exported"):
        export_model(network_of(recipe), recipe, tmp_path)
    assert not (tmp_path / "model.onnx").exists()
