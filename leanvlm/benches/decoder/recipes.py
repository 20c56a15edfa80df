"""The losses of each recipe on the same windows, checkpoints made on the way by the pipeline's own code."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor

from leanvlm.benches.decoder.losses import continuation_nats, window_nats
from leanvlm.errors import LeanvlmError
from leanvlm.methods.weights._samples import CalibrationSample
from leanvlm.models._loading import load_model
from leanvlm.pipeline.compress import write
from leanvlm.recipes import FULL, parse

ARCHITECTURE = "llava_onevision"
Losses: TypeAlias = "dict[str, np.ndarray]"  # by recipe: a window's mean loss each, in nats a token


def cache_losses(full: Path, recipes: Sequence[str], read: Sequence[Tensor], *, n_prompt: int) -> Losses:
    """Measure cache recipes, all on one reading of each window's prompt."""
    model, parsed = load_model(ARCHITECTURE, full), [parse(recipe) for recipe in recipes]
    rows = [continuation_nats(model, window, n_prompt, parsed, str(i)) for i, window in enumerate(read)]
    return dict(zip(recipes, np.array(rows).T, strict=True))


def weights_losses(
    full: Path, recipes: Sequence[str], read: Sequence[Tensor], calibration: Sequence[Tensor]
) -> tuple[Losses, dict[str, str]]:
    """Make each weights recipe's checkpoint and measure it; what could not be made comes back with the reason."""
    losses: Losses = {}
    failed: dict[str, str] = {}
    for recipe in recipes:
        started = time.perf_counter()
        try:
            losses[recipe] = _losses(full, recipe, read, calibration)
        except LeanvlmError as error:
            failed[recipe] = str(error)
        said = failed.get(recipe) or f"{losses[recipe].mean():.3f} nats a token"
        print(f"{recipe:<32}{said}, {time.perf_counter() - started:.0f} s", flush=True)
    return losses, failed


def _losses(full: Path, recipe: str, read: Sequence[Tensor], calibration: Sequence[Tensor]) -> np.ndarray:
    with tempfile.TemporaryDirectory() as name:
        folder = full if recipe == FULL else Path(name) / "made"
        if recipe != FULL:
            samples = [_sample(ids) for ids in calibration]
            write(parse(recipe), load_model(ARCHITECTURE, full), samples, source=full, folder=folder)
        model = load_model(ARCHITECTURE, folder)
    return np.array([window_nats(model, window) for window in read])


def _sample(ids: Tensor) -> CalibrationSample:
    """Take text as an answer to its first token: what a loss is of, counts all that is foretold."""
    is_visual = torch.zeros(ids.shape[1], dtype=torch.bool)
    return CalibrationSample({"input_ids": ids}, is_visual=is_visual, n_answer=ids.shape[1] - 1)
