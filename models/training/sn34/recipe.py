"""A recipe: one small TOML file that says what is trained, on what and how."""

from __future__ import annotations

import dataclasses
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .errors import TrainingError


@dataclass(frozen=True)
class ModelOptions:
    """The network: `trace`, `vit`, `dpt`, `timm:<name>`; its options; a checkpoint to start from."""

    network: str = "trace"
    options: dict[str, Any] = field(default_factory=dict)
    init_from: str = ""
    """A run's folder whose weights are taken where names and shapes fit."""


@dataclass(frozen=True)
class DataOptions:
    """What is drawn from the data folder, and how it is augmented."""

    levels: tuple[int, ...] = (0, 1, 1, 2, 3)
    """Validators' augmentation levels that each training file is drawn at."""
    val_levels: tuple[int, ...] = (0, 1)
    """Levels of the validation files: what early stopping looks at."""
    crops: tuple[int, ...] = (128,)
    """Edges of crops, multiples of 8, one drawn for each batch; none for whole pictures, batched by their size."""
    batch: int = 32
    class_weights: tuple[float, ...] = (1.0, 1.0, 1.0)
    frames: int = 8
    """Frames of a clip, evenly spread."""
    edge: int = 224
    """Height and width that frames of clips are brought to."""
    memory_gib: float = 8.0


@dataclass(frozen=True)
class FitOptions:
    """How long and how fast."""

    loss: str = "cross_entropy"
    epochs: int = 20
    steps: int = 200
    """Batches in an epoch."""
    lr: float = 2e-3
    init_lr: float = 1.0
    """Factor of the learning rate for weights that came by `model.init_from`: small keeps what they know."""
    weight_decay: float = 0.02
    warmup: int = 100
    """Batches until the full learning rate; it then falls to 1/50 as a cosine."""
    ema: float = 0.99
    """Share of the averaged weights that a batch leaves; these are validated and exported. 0 for no averaging."""
    patience: int = 6
    """Epochs without a better validation score until the run ends."""
    target: float = 2.0
    """A validation score that ends the run at once; above 1 for never."""
    seed: int = 34
    precision: str = "auto"
    """auto (float16 on CUDA, else float32), float32, float16, or bfloat16 (on a CPU with AMX several times faster)."""
    minutes: float = 0.0
    """Ends the run at the first epoch that finishes after so many minutes; 0 for never."""


@dataclass(frozen=True)
class Recipe:
    """All that a run needs besides its data.

    Attributes:
        task: `image`, `video` or `mask`.
    """

    name: str
    task: str
    model: ModelOptions = field(default_factory=ModelOptions)
    data: DataOptions = field(default_factory=DataOptions)
    fit: FitOptions = field(default_factory=FitOptions)

    @property
    def is_native(self) -> bool:
        """Whether the miner leaves pictures at their own size: what small networks of convolutions take.

        Attention and clips need one size, `data.edge`.
        """
        return self.task != "video" and self.model.network == "trace"

    def as_dict(self) -> dict[str, Any]:
        """Plain values, as a checkpoint keeps them."""
        return dataclasses.asdict(self)


TASKS = ("image", "video", "mask")
_SECTIONS = {"model": ModelOptions, "data": DataOptions, "fit": FitOptions}


def read_recipe(path: Path, changes: list[str] | None = None) -> Recipe:
    """Reads a recipe; `changes` are `section.key=value` (TOML values) from the command line.

    Raises:
        TrainingError: no such file, not TOML, a key that there is not, a value of another type
    """
    try:
        values = tomllib.loads(path.read_text())
    except FileNotFoundError:
        there = ", ".join(sorted(other.name for other in path.parent.glob("*.toml"))) or "none"
        raise TrainingError(f"there is no recipe {path}; in its folder: {there}") from None
    except tomllib.TOMLDecodeError as error:
        raise TrainingError(f"{path} is not TOML: {error}") from None
    for change in changes or []:
        _change(values, change)
    return parse_recipe({"name": path.stem, **values})


def parse_recipe(values: dict[str, Any]) -> Recipe:
    """Builds a recipe from plain values; errors as `read_recipe`."""
    values = dict(values)
    sections = {name: _section(name, kind, values.pop(name, {})) for name, kind in _SECTIONS.items()}
    name, task = values.pop("name", ""), values.pop("task", None)
    if task not in TASKS:
        raise TrainingError(f"recipe {name}: task is one of {', '.join(TASKS)}, not {task!r}")
    if values:
        raise TrainingError(f"recipe {name}: no key {', '.join(values)}; there are task, {', '.join(_SECTIONS)}")
    return Recipe(name, task, **sections)


def _section(name: str, kind: type, values: dict[str, Any]) -> Any:
    fields = {item.name: item for item in dataclasses.fields(kind)}
    for key, value in values.items():
        if key not in fields:
            raise TrainingError(f"recipe: no key {name}.{key}; there are {', '.join(fields)}")
        values = {**values, key: _typed(f"{name}.{key}", value, getattr(kind(), key))}
    return kind(**values)


def _typed(key: str, value: Any, default: Any) -> Any:
    if isinstance(default, tuple) and isinstance(value, (list, tuple)):
        return tuple(value)
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not type(default):
        raise TrainingError(f"recipe: {key} is of type {type(default).__name__}, not {value!r}")
    return value


def _change(values: dict[str, Any], change: str) -> None:
    key, equals, text = change.partition("=")
    section, dot, name = key.partition(".")
    if not equals or not dot:
        raise TrainingError(f"--set {change}: write section.key=value, for instance fit.epochs=5")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text
    values.setdefault(section, {})[name] = value
