from pathlib import Path

import pytest

from sn34.errors import TrainingError
from sn34.recipe import parse_recipe, read_recipe

RECIPES = sorted((Path(__file__).parent.parent / "recipes").glob("*.toml"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_each_recipe_is_read(path):
    recipe = read_recipe(path)
    assert recipe.name == path.stem
    assert parse_recipe(recipe.as_dict()) == recipe


def test_the_command_line_changes_a_recipe():
    recipe = read_recipe(RECIPES[0], ["fit.epochs=3", "model.network=timm:resnet18", "fit.lr=1"])
    assert (recipe.fit.epochs, recipe.model.network, recipe.fit.lr) == (3, "timm:resnet18", 1.0)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"task": "sound"}, "task is one of"),
        ({"task": "image", "fit": {"epoch": 3}}, r"no key fit\.epoch; there are loss, epochs"),
        ({"task": "image", "fit": {"epochs": "3"}}, r"fit\.epochs is of type int"),
        ({"task": "image", "extra": 1}, "no key extra"),
    ],
)
def test_what_is_wrong_is_named(values, message):
    with pytest.raises(TrainingError, match=message):
        parse_recipe({"name": "x", **values})


def test_a_recipe_that_is_not_there_lists_those_that_are(tmp_path):
    (tmp_path / "one.toml").write_text("task = 'image'")
    with pytest.raises(TrainingError, match=r"in its folder: one\.toml"):
        read_recipe(tmp_path / "two.toml")
    (tmp_path / "bad.toml").write_text("task = ")
    with pytest.raises(TrainingError, match="not TOML"):
        read_recipe(tmp_path / "bad.toml")
    with pytest.raises(TrainingError, match=r"section\.key=value"):
        read_recipe(tmp_path / "one.toml", ["epochs 3"])
