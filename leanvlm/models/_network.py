"""Read a network from a checkpoint folder: its own weights and all of them, or a sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel

from leanvlm.errors import InputError
from leanvlm.models._low_rank import attach
from leanvlm.models._reading import SAFE, reading
from leanvlm.models._soundness import refuse_not_finite, refuse_unsound
from leanvlm.processes.quiet import quiet

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def read_network(kind: Any, folder: Path, *, dtype: str, device_map: str | None) -> PreTrainedModel:
    """Read a checkpoint folder's weights into a network of class `kind`; remote code is never run.

    Raises: InputError for a checkpoint that cannot be read, whose weights are cut or not finite, or that lacks some,
    which transformers would fill with random ones.
    """
    refuse_unsound(folder)
    with quiet(), reading(folder):
        network, info = kind.from_pretrained(
            folder,
            dtype=DTYPES[dtype],
            use_safetensors=True,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # they are told below, by name
            device_map=device_map,
            **SAFE,
        )
        if hasattr(network, "ct_decompress_hook"):  # else a first run does it, with a progress bar
            widen(network, DTYPES[dtype])
            network.hf_quantizer.compressor.decompress_model(network)
            unwrap(network)
            widen(network, DTYPES[dtype])  # four-bit floats are unpacked to bfloat16, whatever was asked for
    _refuse_lacking(info, kind, folder)
    attach(network, folder, DTYPES[dtype])
    refuse_not_finite(network, folder)
    return network  # type: ignore[no-any-return]


def widen(network: nn.Module, dtype: torch.dtype) -> None:
    """Bring a packed network's scales and other weights to the type asked for: transformers leaves what it renames.

    What scales are divided by once more stays in 32 bits; 16 do not hold it.
    """
    for name, value in network.named_parameters():
        if value.dtype in DTYPES.values() and not name.endswith("_global_scale"):
            value.data = value.data.to(dtype)


def unwrap(network: PreTrainedModel) -> None:
    """Take off what unpacking leaves around every module, which makes each access to a weight a search.

    Layers whose inputs are not rounded get their own forward back, too: what stands around it takes as long again.
    """
    from compressed_tensors.offload import remove_dispatch

    remove_dispatch(network, onload_tensors=True)
    for module in network.modules():
        scheme = getattr(module, "quantization_scheme", None)
        if scheme is not None and not (scheme.input_activations or scheme.output_activations):
            module.__dict__.pop("forward", None)


def _refuse_lacking(info: dict[str, Any], kind: type[PreTrainedModel], folder: Path) -> None:
    if other := sorted(info["mismatched_keys"]):
        name, stored, said = other[0]
        raise InputError(f"the checkpoint in {folder} has {len(other)} weights of another shape than config.json says, "
                         f"such as {name}, {tuple(stored)} for {tuple(said)}; fetch or save it again")  # fmt: skip
    if lost := sorted(info["missing_keys"]):
        raise InputError(f"the checkpoint in {folder} lacks {len(lost)} weights of {kind.__name__}, such as {lost[0]}; "
                         "choose the architecture that it was saved as")  # fmt: skip
