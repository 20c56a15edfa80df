"""Write a compressed model as a plain Hugging Face folder, layer by layer, and read it as whoever uses it will.

Tensors are stored under the names that published checkpoints of the architecture have, which vLLM reads. Where it
renames, transformers loads quantised models in the stored type, whatever type was asked for; whoever reads them widens.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors.torch import save_file
from torch import Tensor

from leanvlm.methods.weights._audit import quantised
from leanvlm.methods.weights._lending import WIDENED, is_exact
from leanvlm.models._low_rank import attach
from leanvlm.models._network import widen
from leanvlm.models._published import complete_processor, untied
from leanvlm.processes.quiet import quiet

if TYPE_CHECKING:  # reading a recipe does without: it takes seconds to import
    from transformers import PreTrainedModel

BESIDE_WEIGHTS = ("*.json", "*.jinja", "*.txt", "*.model")  # of tokenizer and processor; never code
SHARD_BYTES = 2**27  # that wait in memory before they are written, and are held once more while they are


class Shards:
    """The files of a checkpoint's weights, written as they come."""

    def __init__(self, folder: Path, stored: torch.dtype, published: Callable[[str], str]) -> None:
        """Take: stored, the type of what is neither packed nor in eight bits; published, from names in memory."""
        self.folder, self.stored, self.published = folder, stored, published
        self.names: set[str] = set()  # in memory, of the tensors that are written or wait
        self.files: list[tuple[Path, list[str]]] = []
        self.waiting: dict[str, Tensor] = {}
        self.n_bytes = 0

    def add(self, tensors: dict[str, Tensor]) -> None:
        """Take tensors, in the type that stores them, and write what waits when it is much."""
        self.names |= tensors.keys()
        for name, value in tensors.items():
            is_stored = value.dtype in WIDENED and not is_exact(name)
            kept = value.to("cpu", self.stored if is_stored else value.dtype).contiguous()
            self.waiting[self.published(name)] = kept
            self.n_bytes += kept.nbytes
            if sum(one.nbytes for one in self.waiting.values()) >= SHARD_BYTES:
                self._write()

    def close(self) -> None:
        """Write what is left, and the index if there are several files."""
        self._write()
        placed: dict[str, str] = {}
        for index, (path, names) in enumerate(self.files, start=1):
            file = f"model-{index:05d}-of-{len(self.files):05d}.safetensors"
            target = file if len(self.files) > 1 else "model.safetensors"
            path.rename(self.folder / target)
            placed |= dict.fromkeys(names, target)
        if len(self.files) > 1:
            index_text = json.dumps({"metadata": {"total_size": self.n_bytes}, "weight_map": placed}, indent=2)
            (self.folder / "model.safetensors.index.json").write_text(index_text + "\n", encoding="utf-8")

    def _write(self) -> None:
        if self.waiting:
            path = self.folder / f"part-{len(self.files)}.safetensors"
            save_file(self.waiting, path, metadata={"format": "pt"})
            self.files.append((path, list(self.waiting)))
            self.waiting = {}


def rest(model: PreTrainedModel, *, besides: Collection[str]) -> dict[str, Tensor]:
    """Return the tensors that are not written yet, each once where two names share it."""
    return {name: value for name, value in untied(model).items() if name not in besides}


def save_beside(model: PreTrainedModel, stored: torch.dtype, *, source: Path, folder: Path) -> None:
    """Write what a checkpoint has besides its weights: configuration, tokenizer and processor."""
    for name in model.config.sub_configs:
        getattr(model.config, name).dtype = stored  # else they say float32, which vLLM believes
    model.config.dtype, model.config.architectures = stored, [type(model).__name__]
    with quiet():
        model.config.save_pretrained(folder)
        if model.generation_config is not None:
            model.generation_config.save_pretrained(folder)
        if quantised(model):
            from compressed_tensors.compressors import ModelCompressor
            from compressed_tensors.quantization import QuantizationStatus

            compressor = ModelCompressor.from_pretrained_model(model)
            compressor.quantization_config.quantization_status = QuantizationStatus.COMPRESSED
            compressor.update_config(str(folder))
    _copy_processor(source, folder)
    complete_processor(folder)


def _copy_processor(source: Path, folder: Path) -> None:
    for pattern in BESIDE_WEIGHTS:
        for path in sorted(source.glob(pattern)):
            if not (folder / path.name).exists() and not path.name.endswith(".index.json"):
                shutil.copyfile(path, folder / path.name)


def reload(model: PreTrainedModel, folder: Path, dtype: torch.dtype) -> PreTrainedModel:
    """Read the checkpoint in a type, such as the one that stores it, with the attention kernels that `model` has."""
    kernels = {name: getattr(model.config, name)._attn_implementation for name in model.config.sub_configs}
    kernels[""] = model.config._attn_implementation
    with quiet():
        loaded: PreTrainedModel = type(model).from_pretrained(
            folder, dtype=dtype, attn_implementation=kernels, local_files_only=True
        )
    attach(loaded, folder, dtype)
    widen(loaded, dtype)
    return loaded
