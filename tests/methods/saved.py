"""Tiny models on disk in 16 bits, as checkpoints are, with norms that differ from column to column."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from leanvlm.methods.weights._weights import Samples
from tests.methods.calibrated import samples_of
from tests.models import tiny


def save(architecture: str, folder: Path) -> None:
    """Write one architecture's tiny model."""
    model = tiny.build(architecture)
    lots = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, weight in model.text.named_parameters():
            if "norm.weight" in name:
                weight.add_(torch.randn(len(weight), generator=lots).exp())
    model.model.to(torch.bfloat16).save_pretrained(folder)


def read(architecture: str, folder: Path) -> tuple[Any, Samples]:
    """Read it in float32, with one calibration sample of each prompt that has pictures."""
    model = tiny.build(architecture)
    model.model = type(model.model).from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
    return model, samples_of(model)
