"""Tiny models on disk in 16 bits, as checkpoints are, with norms that differ from column to column."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from leanvlm.methods.weights._checkpoint import produce
from leanvlm.methods.weights._entrances import record
from leanvlm.methods.weights._samples import Samples
from leanvlm.methods.weights._saving import reload
from leanvlm.methods.weights._weights import WeightsMethod
from leanvlm.models._network import widen
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


def compressed(
    architecture: str, source: Path, folder: Path, *methods: WeightsMethod, samples: int | None = None
) -> Any:
    """Write a compressed checkpoint of it, and read that in float32, unpacked by compressed-tensors itself."""
    model, found = read(architecture, source)
    produce(methods, model.model, record(model.model, found[:samples]), source=source, folder=folder)
    after, _ = read(architecture, source)
    after.model = unpacked(reload(after.model, folder, torch.float32))
    return after


def unpacked(network: Any) -> Any:
    """Let compressed-tensors unpack a network that was read in float32; else the first run does it."""
    if hasattr(network, "ct_decompress_hook"):
        network.hf_quantizer.compressor.decompress_model(network)
        widen(network, torch.float32)  # four-bit floats are unpacked to bfloat16
    return network
