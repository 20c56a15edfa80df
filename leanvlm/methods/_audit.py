"""Measure on disk what a weights method kept, and stop the run where that is not what was asked."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor, nn

from leanvlm.errors import RunError
from leanvlm.methods._weights import LINEAR, WeightsMethod, decoder_linears

Audit = dict[str, Any]
STORED_BITS = 16


def measure(method: WeightsMethod, folder: Path, nonzero: dict[str, float]) -> Audit:
    """Count on disk what was kept, and compare it with what was asked.

    A dense weight's zeros are free; all else that is stored for a layer's weight counts, scales included.

    Raises: RunError where a layer missed the budget by more than one weight in a row of 128.
    """
    stored = stored_bytes(folder)
    weights = {name: values for name, (_, values) in stored.items()}
    bits = {name: 8 * size / values for name, (size, values) in stored.items()}
    gate(set(stored) == set(nonzero), "the checkpoint lacks some of the decoder's linear layers")
    for name, value in bits.items():
        missed = abs(value / STORED_BITS - method.budget())
        gate(missed <= 1 / 128, f"{name} kept {value / STORED_BITS:.4f} where {method.budget():.4f} was asked")
    total, full = sum(size for size, _ in stored.values()), sum(weights.values()) * STORED_BITS // 8
    return {
        "achieved_budget": total / full,
        "bits_per_weight": total / full * STORED_BITS,
        "budget": method.budget(),
        "full_weights_bytes": full,
        "layers": {n: {"bits_per_weight": bits[n], "nonzero_share": nonzero[n]} for n in sorted(nonzero)},
        "n_linears": len(nonzero),
        "nonzero_share": sum(nonzero[name] * weights[name] for name in nonzero) / sum(weights.values()),
        "setting": method.setting,
        "weights_bytes": total,
    }


def stored_bytes(folder: Path) -> dict[str, tuple[int, int]]:
    """Read, for each decoder linear layer, the bytes that its weight needs and how many weights it has."""
    found: dict[str, tuple[int, int]] = {}
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(path, "pt") as file:
            for key in file.keys():  # noqa: SIM118, a safetensors file is no mapping
                match = re.fullmatch(rf"({LINEAR})\.weight(?P<kind>_\w+)?", key)
                if match is None:
                    continue
                tensor: Tensor = file.get_tensor(key)
                size, n_weights = found.get(match[1], (0, 0))
                n_values = tensor.numel() if match["kind"] else int(tensor.count_nonzero())
                if match["kind"] in (None, "_shape"):
                    n_weights = tensor.numel() if match["kind"] is None else int(tensor.prod())
                found[match[1]] = (size + n_values * tensor.element_size(), n_weights)
    return found


def fingerprints(model: nn.Module) -> dict[str, str]:
    """Hash every tensor that a weights method must leave as it is."""
    return {
        name: hashlib.sha256(tensor.cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes()).hexdigest()
        for name, tensor in model.state_dict().items()
        if not re.fullmatch(rf"{LINEAR}\.weight\w*", name)
    }


def nonzero_shares(model: nn.Module) -> dict[str, float]:
    """Measure the share of weights that are not zero, per decoder linear layer."""
    linears = decoder_linears(model)
    return {name: int(part.weight.count_nonzero()) / part.weight.numel() for name, part in linears.items()}


def is_quantised(module: nn.Module) -> bool:
    """Tell whether llmcompressor attached a scheme to the module."""
    return hasattr(module, "quantization_scheme")


def gate(is_open: bool, sentence: str) -> None:
    """Stop the run unless `is_open`.

    Raises: RunError with the sentence.
    """
    if not is_open:
        raise RunError(f"{sentence}; nothing is kept of this checkpoint")
