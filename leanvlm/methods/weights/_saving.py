"""Write a compressed model as a plain Hugging Face folder, and read it as whoever uses it will.

Tensors are stored under the names they have in memory, not the older ones on disk: where it renames, transformers
loads quantised models in the stored type, whatever type was asked for.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel

from leanvlm.methods.weights._audit import quantised
from leanvlm.processes.quiet import quiet

BESIDE_WEIGHTS = ("*.json", "*.jinja", "*.txt", "*.model")  # of tokenizer and processor; never code


def save(model: PreTrainedModel, dtype: torch.dtype, *, source: Path, folder: Path) -> None:
    """Write the checkpoint, packed where weights are quantised, with tokenizer and processor beside it."""
    for name in model.config.sub_configs:
        getattr(model.config, name).dtype = dtype  # else they say float32, which vLLM believes
    compressor: Any = None
    with quiet():
        if quantised(model):
            from compressed_tensors.compressors import ModelCompressor

            compressor = ModelCompressor.from_pretrained_model(model)
            compressor.compress_model(model)
        for value in (*model.parameters(), *model.buffers()):
            if value.dtype == torch.float32:  # not what is packed, in integers or eight bits
                value.data = value.to(dtype)
        PreTrainedModel.save_pretrained(model, folder, save_original_format=False)
        if compressor is not None:
            compressor.update_config(str(folder))
    _copy_processor(source, folder)


def _copy_processor(source: Path, folder: Path) -> None:
    for pattern in BESIDE_WEIGHTS:
        for path in sorted(source.glob(pattern)):
            if not (folder / path.name).exists() and not path.name.endswith(".index.json"):
                shutil.copyfile(path, folder / path.name)


def reload(model: PreTrainedModel, folder: Path) -> PreTrainedModel:
    """Read the checkpoint as the answering stage does, with the attention kernels that `model` has."""
    kernels = {name: getattr(model.config, name)._attn_implementation for name in model.config.sub_configs}
    kernels[""] = model.config._attn_implementation
    with quiet():
        loaded: PreTrainedModel = type(model).from_pretrained(
            folder, dtype=torch.float32, attn_implementation=kernels, local_files_only=True
        )
    return loaded
