"""Low-rank matrices beside linear layers, in the files of PEFT's LoRA: what a checkpoint adds to its own weights.

They lie in a folder within the checkpoint's: beside the weights, transformers would take their configuration, where
PEFT is installed, for that of the checkpoint. PEFT and vLLM are given the inner folder.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn.functional import linear as product

from leanvlm.errors import InputError

FOLDER, SETTINGS, TENSORS = "lora", "adapter_config.json", "adapter_model.safetensors"
PART = "low_rank"  # the module's name within its linear layer
PREFIX = "base_model.model."  # of names in memory, in PEFT's files
DOWN, UP = ".lora_A.weight", ".lora_B.weight"


class LowRank(nn.Module):
    """Two matrices whose product is added to a linear layer's weight, without being merged.

    Shapes: down (r, inputs), up (outputs, r).
    """

    def __init__(self, down: Tensor, up: Tensor) -> None:
        super().__init__()
        self.down = nn.Parameter(down, requires_grad=False)
        self.up = nn.Parameter(up, requires_grad=False)

    def forward(self, inputs: Tensor) -> Tensor:
        """Multiply by both. Shapes: (..., inputs) -> (..., outputs)."""
        return product(product(inputs, self.down), self.up)


def add(linear: nn.Linear, down: Tensor, up: Tensor) -> None:
    """Let a linear layer add the product of two matrices, which are where it computes, and in that type."""
    linear.add_module(PART, LowRank(down.contiguous(), up.contiguous()))
    linear.register_forward_hook(_added)


def _added(linear: nn.Module, args: tuple[Tensor, ...], output: Tensor) -> Tensor:
    found: Tensor = output + linear.get_submodule(PART)(args[0])
    return found


def is_low_rank(name: str) -> bool:
    """Tell whether a tensor's name in memory is that of such a matrix."""
    return f".{PART}." in name


def save(tensors: Mapping[str, Tensor], folder: Path) -> None:
    """Write matrices, by their names in memory, as PEFT does; scaled by one, since alpha is the rank.

    Takes: folder, the checkpoint's.
    """
    kinds = {f".{PART}.down": DOWN, f".{PART}.up": UP}
    modules = sorted({name.partition(f".{PART}.")[0] for name in tensors})
    named = {PREFIX + module + own: tensors[module + kind] for module in modules for kind, own in kinds.items()}
    (folder / FOLDER).mkdir()
    save_file(named, folder / FOLDER / TENSORS, metadata={"format": "pt"})
    ranks = {len(value) for name, value in named.items() if name.endswith(DOWN)}
    assert len(ranks) == 1, "vLLM reads one rank for all layers"
    text = json.dumps(_settings(ranks.pop(), modules), indent=2)
    (folder / FOLDER / SETTINGS).write_text(text + "\n", encoding="utf-8")


def _settings(rank: int, modules: list[str]) -> dict[str, Any]:
    return {
        "base_model_name_or_path": None,
        "bias": "none",
        "inference_mode": True,
        "lora_alpha": rank,
        "lora_dropout": 0.0,
        "peft_type": "LORA",
        "r": rank,
        "target_modules": modules,
        "task_type": "CAUSAL_LM",
    }


def sizes(folder: Path) -> dict[str, int]:
    """Read how many bytes of matrices a checkpoint's folder has for each linear layer, by its name in memory."""
    found: Counter[str] = Counter()
    if (folder / FOLDER).is_dir():
        for name, value in load_file(folder / FOLDER / TENSORS).items():
            found[name.removeprefix(PREFIX).removesuffix(DOWN).removesuffix(UP)] += value.nbytes
    return found


def attach(network: nn.Module, folder: Path, dtype: torch.dtype) -> None:
    """Add what a checkpoint's folder has of such matrices to a network that was read from it, in a type.

    Raises: InputError for files that cannot be read, or are not as `save` writes them.
    """
    place = folder / FOLDER
    if not place.is_dir():
        return
    linears = {name: part for name, part in network.named_modules() if isinstance(part, nn.Linear)}
    for module, (down, up) in _pairs(place).items():
        if module not in linears or (len(up), down.shape[1]) != _shape(linears[module]):
            raise InputError(
                f"{place} adds to {module}, which the checkpoint has not, or in another shape; make it again"
            )
        device = next(linears[module].parameters()).device  # of a weight that may be packed
        add(linears[module], down.to(device, dtype), up.to(device, dtype))


def _pairs(place: Path) -> dict[str, tuple[Tensor, Tensor]]:
    """Read both matrices of each linear layer, by its name in memory."""
    from leanvlm.models._reading import read_json, reading  # it takes seconds, and reading a recipe does without

    with reading(place):
        tensors = load_file(place / TENSORS)
    modules = sorted(name.removeprefix(PREFIX).removesuffix(DOWN) for name in tensors if name.endswith(DOWN))
    wanted = {PREFIX + module + kind for module in modules for kind in (DOWN, UP)}
    rank = len(tensors[PREFIX + modules[0] + DOWN]) if modules and wanted == set(tensors) else 0
    if not rank or read_json(place / SETTINGS) != _settings(rank, modules):
        raise InputError(f"{place} is not what leanvlm writes beside a checkpoint; make the checkpoint again")
    return {module: (tensors[PREFIX + module + DOWN], tensors[PREFIX + module + UP]) for module in modules}


def _shape(linear: nn.Linear) -> tuple[int, int]:
    return linear.out_features, linear.in_features
