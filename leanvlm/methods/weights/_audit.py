"""Measure what weights methods kept, in memory and on disk, and stop the run where that is not what was asked."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import nn

from leanvlm.errors import RunError
from leanvlm.methods.weights._layers import LINEAR, decoder_linears
from leanvlm.methods.weights._weights import WeightsMethod
from leanvlm.models import _low_rank
from leanvlm.models._low_rank import is_low_rank

Audit = dict[str, Any]
STORED_BITS = 16
MISSED = 1 / 128  # of a layer's budget: one weight in a row of 128


@dataclass(frozen=True)
class Stored:
    """What one linear layer's weight takes on disk, in bytes.

    `codes` hold the weights, `extras` the scales; `added` are low-rank matrices beside them.
    """

    codes: int = 0
    extras: int = 0
    added: int = 0
    shape: tuple[int, int] = (0, 0)

    @property
    def n_weights(self) -> int:
        """Count the weights, zeros included."""
        return self.shape[0] * self.shape[1]


def measure(
    methods: Sequence[WeightsMethod],
    folder: Path,
    *,
    names: dict[str, str],
    left: dict[str, float],
    nonzero: dict[str, float],
) -> Audit:
    """Count on disk what was kept, by each method and in all, and compare it with what was asked.

    A pruned weight is free, in 16 bits as in fewer; all else that is stored for a layer's weight counts, scales
    included. Takes: names, of the layers in memory by those on disk; left, the share of weights that pruning left in
    each layer; nonzero, the share that is not zero, also not by rounding.

    Raises: RunError where a layer missed a budget by more than one weight in a row of 128.
    """
    stored = stored_weights(folder, names)
    require(set(stored) == set(left), "the checkpoint lacks some of the decoder's linear layers")
    sizes = {name: layer.codes * left[name] + layer.extras + layer.added for name, layer in stored.items()}
    n_weights = sum(layer.n_weights for layer in stored.values())
    full, total = n_weights * STORED_BITS // 8, round(sum(sizes.values()))
    return {
        "achieved_budget": total / full,
        "bits_per_weight": total / full * STORED_BITS,
        "full_weights_bytes": full,
        "layers": {
            name: {
                "bits_per_weight": 8 * sizes[name] / layer.n_weights,
                "budget": _asked(methods, layer),
                "n_weights": layer.n_weights,
                "nonzero_share": nonzero[name],
                "stored_bytes": layer.codes + layer.extras + layer.added,
            }
            for name, layer in sorted(stored.items())
        },
        "n_linears": len(stored),
        "nonzero_share": sum(nonzero[name] * stored[name].n_weights for name in stored) / n_weights,
        "parts": [_part(method, stored, left) for method in methods],
        "weights_bytes": total,
    }


def _asked(methods: Sequence[WeightsMethod], layer: Stored) -> float | None:
    """Return the share of 16 bits a weight that was asked for in one layer; None where only their sum was."""
    if not all(method.is_even for method in methods):
        return None
    added = sum(method.added_to(layer.shape) for method in methods)
    rewriting = [method for method in methods if not method.compensates]
    if len(rewriting) == 1:
        return rewriting[0].budget_of(layer.shape[1]) + added
    share = prod(method.budget() for method in rewriting if not method.quantises)  # scales are not pruned
    return 8 * (share * layer.codes + layer.extras) / layer.n_weights / STORED_BITS + added


def _part(method: WeightsMethod, stored: dict[str, Stored], left: dict[str, float]) -> Audit:
    """Compare what one method kept with what it was asked for: bits of every weight, or weights, or bits besides."""
    if method.compensates:
        return _addition(method, stored)
    bits = {name: 8 * (layer.codes + layer.extras) / layer.n_weights for name, layer in stored.items()}
    kept = {name: bits[name] / STORED_BITS for name in bits} if method.quantises else left
    if method.is_even:
        for name, share in kept.items():
            asked = method.budget_of(stored[name].shape[1])
            require(abs(share - asked) <= MISSED, f"{name} kept {share:.4f} where {asked:.4f} was asked")
    n_weights = sum(layer.n_weights for layer in stored.values())
    achieved = sum(kept[name] * stored[name].n_weights for name in kept) / n_weights
    require(
        method.quantises or abs(achieved - method.budget()) <= MISSED,
        f"all layers together kept {achieved:.4f} where {method.budget():.4f} was asked",
    )
    return {"achieved_budget": achieved, "budget": method.budget(), "setting": method.setting}


def _addition(method: WeightsMethod, stored: dict[str, Stored]) -> Audit:
    for name, layer in stored.items():
        found, asked = layer.added, round(method.added_to(layer.shape) * layer.n_weights * STORED_BITS / 8)
        require(found == asked, f"{name} has {found} bytes of low-rank matrices where {asked} were asked")
    share = sum(layer.added for layer in stored.values()) / sum(layer.n_weights for layer in stored.values())
    return {"achieved_budget": 8 * share / STORED_BITS, "budget": None, "setting": method.setting}


def stored_weights(folder: Path, names: dict[str, str]) -> dict[str, Stored]:
    """Read what is stored of each decoder linear layer's weight.

    Takes: names, of the layers in memory by those on disk.
    """
    found: dict[str, Stored] = {}
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(path, "pt") as file:
            for key in file.keys():  # noqa: SIM118, a safetensors file is no mapping
                layer, _, kind = key.partition(".weight")
                if layer in names:
                    before = found.get(names[layer], Stored())
                    found[names[layer]] = _with(before, kind, file.get_tensor(key))
    for name, n_bytes in _low_rank.sizes(folder).items():
        found[name] = replace(found[name], added=n_bytes)
    return found


def _with(before: Stored, kind: str, tensor: torch.Tensor) -> Stored:
    codes, extras, shape = before.codes, before.extras, before.shape
    if kind in ("", "_packed"):
        codes += tensor.nbytes
    else:
        extras += tensor.nbytes
    if not kind:
        shape = (tensor.shape[0], tensor.shape[1])
    elif tensor.dtype == torch.uint8 and kind == "_packed":
        shape = (tensor.shape[0], 2 * tensor.shape[1])  # two floats a byte, and nothing else tells their number
    elif kind == "_shape":
        shape = (int(tensor[0]), int(tensor[1]))
    return Stored(codes, extras, shape=shape)


def fingerprints(model: nn.Module, *, besides: Collection[str] = ()) -> dict[str, str]:
    """Hash every tensor that a weights method must leave as it is, one at a time; `besides` are those it may change."""
    return {
        name: hashlib.sha256(tensor.cpu().contiguous().flatten().view(torch.uint8).numpy()).hexdigest()
        for name, tensor in model.state_dict().items()
        if not re.fullmatch(rf"{LINEAR}\.(weight|input_)\w*", name) and not is_low_rank(name) and name not in besides
    }


def nonzero_share(linear: nn.Linear) -> float:
    """Measure the share of a linear layer's weights that are not zero."""
    return int(linear.weight.count_nonzero()) / linear.weight.numel()


def nonzero_shares(model: nn.Module) -> dict[str, float]:
    """Measure the share of weights that are not zero, per decoder linear layer."""
    return {name: nonzero_share(part) for name, part in decoder_linears(model).items()}


def quantised(model: nn.Module) -> set[str]:
    """Name the modules that llmcompressor attached a scheme to."""
    return {name for name, part in model.named_modules() if is_quantised(part)}


def is_quantised(module: nn.Module) -> bool:
    """Tell whether llmcompressor attached a scheme to the module."""
    return hasattr(module, "quantization_scheme")


def require(condition: bool, sentence: str) -> None:
    """Stop the run unless the condition holds.

    Raises: RunError with the sentence.
    """
    if not condition:
        raise RunError(f"{sentence}; nothing is kept of this checkpoint")
