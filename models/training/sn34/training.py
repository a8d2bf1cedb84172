"""The training loop: averaged weights, a cosine, early stopping, and checkpoints that go on exactly where they were."""

from __future__ import annotations

import copy
import json
import math
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from tqdm import tqdm

from .datasets import Batch, CropBatches, Sample
from .errors import TrainingError
from .evaluate import Evaluation, evaluate
from .losses import parse_loss
from .networks.build import build_network, start_from
from .recipe import FitOptions, Recipe

FINAL_LR = 1 / 50


def pick_device(name: str = "auto") -> torch.device:
    """`auto` is CUDA where there is one."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(name)


class Trainer:
    """One run of a recipe in a folder of its own: `last.pt`, `best.pt`, `history.json`.

    Args:
        recipe: What to train.
        out: Folder of the run.
        device: Where to.
    """

    def __init__(self, recipe: Recipe, out: Path, device: torch.device) -> None:
        self.recipe, self.out, self.device = recipe, out, device
        out.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(recipe.fit.seed)
        self.model = build_network(recipe.task, recipe.model.network, recipe.model.options)
        taken: frozenset[str] = frozenset()
        if recipe.model.init_from:
            taken = start_from(self.model, Path(recipe.model.init_from))
            print(f"{len(taken)} tensors from {recipe.model.init_from}")
        self.model.to(device, memory_format=torch.channels_last)
        self.averaged = copy.deepcopy(self.model).eval().requires_grad_(False)
        fit = recipe.fit
        self.optimizer = torch.optim.AdamW(_groups(self.model, fit, taken), lr=fit.lr)
        self.scheduler = torch.optim.lr_scheduler.LambdaLR(self.optimizer, lambda step: _rate(step, fit))
        self.loss = parse_loss(fit.loss, recipe.task)
        self.precision = _precision(fit.precision, device)
        self.scaler = torch.amp.GradScaler(enabled=self.precision is torch.float16 and device.type == "cuda")
        self.epoch, self.best, self.best_epoch = 0, -math.inf, 0
        self.history: list[dict[str, Any]] = []

    def fit(self, train: Sequence[Sample], val: Sequence[Sample]) -> float:
        """Trains until the last epoch, the target or the end of patience; returns the best validation score."""
        fit, data = self.recipe.fit, self.recipe.data
        dense = self.recipe.task == "mask"
        batches = CropBatches(train, data.batch, data.crops, data.class_weights, dense, fit.seed)
        started = time.monotonic()
        while self.epoch < fit.epochs and self.epoch - self.best_epoch < fit.patience and self.best < fit.target:
            loss = self._train_epoch(batches)
            result = evaluate(self.averaged, self.recipe.task, val, self.device)
            self._note(loss, result, time.monotonic() - started)
            if fit.minutes and time.monotonic() - started > fit.minutes * 60:
                break
        return self.best

    def resume(self) -> None:
        """Goes on with the run in the folder: weights, optimizer, schedule, epoch and random numbers as they were.

        Raises:
            TrainingError: no run there, or one of another recipe
        """
        file = self.out / "last.pt"
        if not file.is_file():
            raise TrainingError(f"there is no {file} to go on with; leave --resume out to start")
        state = torch.load(file, map_location="cpu", weights_only=True)
        require_same_recipe(state["recipe"], self.recipe, file)
        self.model.load_state_dict(state["raw_model"])
        self.averaged.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scheduler.load_state_dict(state["scheduler"])
        self.scaler.load_state_dict(state["scaler"])
        torch.set_rng_state(state["random"])
        if self.device.type == "cuda":
            torch.cuda.set_rng_state(state["random_cuda"], self.device)
        self.epoch, self.best, self.best_epoch = state["epoch"], state["best"], state["best_epoch"]
        self.history = state["history"]

    def _train_epoch(self, batches: CropBatches) -> float:
        self.model.train()
        total, steps = 0.0, self.recipe.fit.steps
        bar = tqdm(batches.epoch(self.epoch, steps), total=steps, desc=f"epoch {self.epoch + 1}", unit="batch")
        for done, batch in enumerate(bar, 1):
            total += self._step(batch)
            if done % 10 == 0:
                bar.set_postfix(loss=f"{total / done:.4f}")
        self.epoch += 1
        return total / steps

    def _step(self, batch: Batch) -> float:
        pixels = batch.pixels.to(self.device, non_blocking=True)
        targets = (batch.labels if batch.masks is None else batch.masks).to(self.device, non_blocking=True)
        with torch.autocast(self.device.type, self.precision, enabled=self.precision is not torch.float32):
            outputs = self.model(pixels)
        loss = self.loss(outputs.float(), targets)
        if not torch.isfinite(loss):
            raise TrainingError("the loss is no longer finite: lower fit.lr, or set fit.precision to float32")
        self.optimizer.zero_grad(set_to_none=True)
        self.scaler.scale(loss).backward()
        self.scaler.unscale_(self.optimizer)
        nn.utils.clip_grad_norm_(self.model.parameters(), 2.0)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.scheduler.step()
        self._average()
        return float(loss.detach())

    @torch.no_grad()
    def _average(self) -> None:
        # Fewer batches are remembered at the start, where the weights still move fast.
        keep = min(self.recipe.fit.ema, (1 + self.scheduler.last_epoch) / (10 + self.scheduler.last_epoch))
        for ours, theirs in zip(_values(self.averaged), _values(self.model), strict=True):
            if ours.dtype.is_floating_point:
                ours.lerp_(theirs, 1 - keep)
            else:
                ours.copy_(theirs)

    def _note(self, loss: float, result: Evaluation, seconds: float) -> None:
        if better := result.score > self.best:
            self.best, self.best_epoch = result.score, self.epoch
        row = {"epoch": self.epoch, "loss": round(loss, 5), "seconds": round(seconds), **result.as_dict()}
        self.history.append(row)
        figures = " ".join(f"{name} {value:.4f}" for name, value in result.overall.items())
        print(f"epoch {self.epoch}: loss {loss:.4f} {figures}{' (best)' if better else ''}", flush=True)
        state = {
            "recipe": self.recipe.as_dict(),
            "model": self.averaged.state_dict(),
            "raw_model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict(),
            "scaler": self.scaler.state_dict(),
            "random": torch.get_rng_state(),
            "random_cuda": torch.cuda.get_rng_state(self.device) if self.device.type == "cuda" else None,
            "epoch": self.epoch,
            "best": self.best,
            "best_epoch": self.best_epoch,
            "history": self.history,
        }
        save_whole(state, self.out / "last.pt")
        if better:
            save_whole(
                {"recipe": state["recipe"], "model": state["model"], "epoch": self.epoch},
                self.out / "best.pt",
            )
        (self.out / "history.json").write_text(json.dumps(self.history, indent=1))


def save_whole(state: dict[str, Any], path: Path) -> None:
    """Whole or not at all: a run that is killed while it writes keeps the checkpoint before."""
    partial = path.with_suffix(".part")
    torch.save(state, partial)
    os.replace(partial, path)


def load_best(run: Path) -> tuple[Recipe, nn.Module, dict[str, Any]]:
    """The recipe, the best averaged weights in their network, and the whole checkpoint.

    Raises:
        TrainingError: the folder holds no finished epoch
    """
    from .recipe import parse_recipe

    file = run / "best.pt"
    if not file.is_file():
        raise TrainingError(f"there is no {file}: train first, and name the folder that train.py wrote")
    state = torch.load(file, map_location="cpu", weights_only=True)
    recipe = parse_recipe(state["recipe"])
    model = build_network(recipe.task, recipe.model.network, recipe.model.options)
    model.load_state_dict(state["model"])
    return recipe, model.eval(), state


def require_same_recipe(theirs: dict[str, Any], recipe: Recipe, file: Path) -> None:
    """Only how long a run goes may change between its parts.

    Raises:
        TrainingError: another network or other data
    """
    ours = recipe.as_dict()
    same = all(theirs[key] == ours[key] for key in ("task", "model", "data"))
    if not same:
        raise TrainingError(
            f"{file} is of recipe {theirs['name']} (task {theirs['task']}, network {theirs['model']['network']}) with "
            f"other model or data options than {recipe.name}: name another --out folder, or the same recipe"
        )


def _values(model: nn.Module) -> list[Tensor]:
    return [*model.parameters(), *model.buffers()]


def _groups(model: nn.Module, fit: FitOptions, taken: frozenset[str]) -> list[dict[str, Any]]:
    """Biases, norms and scales are not decayed; weights that were taken over learn at a rate of their own."""
    groups: dict[tuple[bool, bool], list[Tensor]] = {}
    for name, value in model.named_parameters():
        groups.setdefault((value.ndim > 1, name in taken), []).append(value)
    return [
        {
            "params": values,
            "weight_decay": fit.weight_decay if is_matrix else 0.0,
            "lr": fit.lr * (fit.init_lr if is_taken else 1.0),
        }
        for (is_matrix, is_taken), values in groups.items()
    ]


def _rate(step: int, fit: FitOptions) -> float:
    if step < fit.warmup:
        return (step + 1) / fit.warmup
    progress = min(1.0, (step - fit.warmup) / max(1, fit.epochs * fit.steps - fit.warmup))
    return FINAL_LR + (1 - FINAL_LR) * 0.5 * (1 + math.cos(math.pi * progress))


def _precision(name: str, device: torch.device) -> torch.dtype:
    if name == "auto":
        return torch.float16 if device.type == "cuda" else torch.float32
    kinds = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
    if name not in kinds:
        raise TrainingError(f"fit.precision is auto, {', '.join(kinds)}, not {name!r}")
    if name == "float16" and device.type == "cpu":
        raise TrainingError("fit.precision float16 needs CUDA; a CPU takes float32 or bfloat16")
    return kinds[name]
