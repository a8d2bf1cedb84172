import pytest
import torch

from sn34.errors import TrainingError
from sn34.judging import judge, load_split, read_temperature
from sn34.training import Trainer, load_best

CPU = torch.device("cpu")


def run(recipe, data, out, resume=False):
    trainer = Trainer(recipe, out, CPU)
    if resume:
        trainer.resume()
    trainer.fit(*(load_split(recipe, data, split, 1) for split in ("train", "val")))
    return trainer


def weights(trainer):
    return torch.cat([value.flatten().double() for value in trainer.model.state_dict().values()])


@pytest.mark.parametrize(
    ("task", "network"),
    [("image", "trace"), ("image", "vit"), ("mask", "trace"), ("mask", "dpt"), ("video", "trace")],
)
def test_one_seed_gives_one_set_of_weights(tiny, pictures, clips, tmp_path, task, network):
    data = clips if task == "video" else pictures
    recipe = tiny(task, network)
    first, second = (run(recipe, data, tmp_path / name) for name in ("first", "second"))
    other = run(tiny(task, network, fit={"seed": 6}), data, tmp_path / "other")
    assert torch.equal(weights(first), weights(second))
    assert not torch.equal(weights(first), weights(other))


def test_a_resumed_run_ends_where_an_unbroken_one_does(tiny, pictures, tmp_path):
    class InterruptedRunError(Exception):
        pass

    class Fragile(Trainer):
        def _note(self, *arguments):
            super()._note(*arguments)
            if self.epoch == 2:
                raise InterruptedRunError

    recipe = tiny("image", fit={"epochs": 4})
    whole = run(recipe, pictures, tmp_path / "whole")
    train, val = (load_split(recipe, pictures, split, 1) for split in ("train", "val"))
    with pytest.raises(InterruptedRunError):
        Fragile(recipe, tmp_path / "broken", CPU).fit(train, val)
    resumed = run(recipe, pictures, tmp_path / "broken", resume=True)
    assert torch.equal(weights(whole), weights(resumed))
    strip = [{key: value for key, value in row.items() if key != "seconds"} for row in whole.history]
    assert [{key: value for key, value in row.items() if key != "seconds"} for row in resumed.history] == strip


def test_it_learns(tiny, pictures, tmp_path):
    recipe = tiny("mask", fit={"epochs": 6, "steps": 20, "lr": 0.01, "ema": 0.8})
    trainer = run(recipe, pictures, tmp_path)
    assert trainer.best > 0.6


def test_it_stops_early(tiny, pictures, tmp_path):
    assert run(tiny("image", fit={"epochs": 9, "target": -1.0}), pictures, tmp_path / "a").epoch == 1
    patient = run(tiny("image", fit={"epochs": 40, "patience": 2, "lr": 1e-12}), pictures, tmp_path / "b")
    assert patient.epoch - patient.best_epoch == 2


def test_a_checkpoint_of_another_recipe_is_not_gone_on_with(tiny, pictures, tmp_path):
    run(tiny("image"), pictures, tmp_path)
    with pytest.raises(TrainingError, match="is of recipe tiny-image-trace"):
        Trainer(tiny("mask"), tmp_path, CPU).resume()
    with pytest.raises(TrainingError, match="leave --resume out"):
        Trainer(tiny("mask"), tmp_path / "empty", CPU).resume()


def test_a_detector_starts_from_a_segmenter(tiny, pictures, tmp_path):
    segmenter = run(tiny("mask"), pictures, tmp_path / "segmenter")
    recipe = tiny("image", model={"init_from": str(tmp_path / "segmenter")})
    detector = Trainer(recipe, tmp_path / "detector", CPU)
    name = "backbone.encoder.stem.weight"
    best = torch.load(tmp_path / "segmenter" / "best.pt", weights_only=True)["model"]
    assert torch.equal(detector.model.state_dict()[name], best[name])
    assert segmenter.best_epoch >= 1
    with pytest.raises(TrainingError, match="train that recipe first"):
        Trainer(tiny("image", model={"init_from": str(tmp_path / "none")}), tmp_path / "x", CPU)
    with pytest.raises(TrainingError, match="no weight"):
        Trainer(tiny("image", "vit", model={"init_from": str(tmp_path / "segmenter")}), tmp_path / "y", CPU)


def test_a_run_is_judged_and_reported(tiny, pictures, tmp_path):
    recipe = tiny("image")
    with pytest.raises(TrainingError, match="train first"):
        load_best(tmp_path)
    run(recipe, pictures, tmp_path)
    with pytest.raises(TrainingError, match="--split val"):
        read_temperature(tmp_path)
    page = judge(tmp_path, load_split(recipe, pictures, "val", 1), "val", CPU)
    assert page.read_text().count("<img ") == 3
    assert 0.05 <= read_temperature(tmp_path) <= 20
    test = judge(tmp_path, load_split(recipe, pictures, "test", 1, (0, 3)), "test", CPU)
    assert "<td>3</td>" in test.read_text()


@pytest.mark.parametrize(("task", "network"), [("image", "vit"), ("mask", "dpt")])
def test_networks_of_one_size_are_trained_and_judged_at_it(tiny, pictures, task, network):
    for sample in load_split(tiny(task, network, data={"edge": 48}), pictures, "val", 1):
        assert sample.pixels.shape == (48, 48, 3)
        assert sample.mask is None or sample.mask.shape == (48, 48)
    assert any(s.pixels.shape[0] != 48 for s in load_split(tiny(task, data={"edge": 48}), pictures, "val", 1))


def test_precision_says_what_it_needs(tiny, tmp_path):
    with pytest.raises(TrainingError, match="needs CUDA"):
        Trainer(tiny("image", fit={"precision": "float16"}), tmp_path, CPU)
    with pytest.raises(TrainingError, match=r"fit\.precision is auto"):
        Trainer(tiny("image", fit={"precision": "int8"}), tmp_path, CPU)


def test_bfloat16_trains_too(tiny, pictures, tmp_path):
    assert run(tiny("mask", fit={"precision": "bfloat16"}), pictures, tmp_path).epoch == 2
