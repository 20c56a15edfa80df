"""Write what a weights method made of a model, and prove it: several mistakes raise no exception.

Stored in 16 bits: bfloat16, or float16 where the original's weights need it, so nothing but the method
changes a value. Calibration and answers compute in float32 from what is stored. Tensors are stored under
the names they have in memory, not the older ones on disk: where it renames, transformers loads quantised
models in the stored type, whatever type was asked for.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel, ProcessorMixin

from leanvlm.errors import InputError
from leanvlm.methods._audit import Audit, fingerprints, gate, is_quantised, measure, nonzero_shares
from leanvlm.methods._weights import Samples, WeightsMethod, decoder_linears
from leanvlm.quiet import quiet

PROBES = 3  # calibration samples whose logits must survive saving and loading, bit by bit
BESIDE_WEIGHTS = ("*.json", "*.jinja", "*.txt", "*.model")  # of tokenizer and processor; never code


def produce(
    method: WeightsMethod,
    model: PreTrainedModel,
    processor: ProcessorMixin,
    calibration: Samples,
    *,
    source: Path,
    folder: Path,
) -> Audit:
    """Compress `model`, read from `source`, and write it with its audit to `folder`; `model` is spent.

    Raises: InputError for a model or samples that the method cannot take, RunError where a gate stays shut.
    """
    if not calibration:
        raise InputError("a weights method needs calibration samples, and there are none; raise calibration.n")
    dtype = stored_dtype(model)
    nn.Module.float(nn.Module.eval(model))
    untouched = fingerprints(model)
    method.compress(model, calibration, processor=processor)
    gate(fingerprints(model) == untouched, "the method changed tensors other than the decoder's linear weights")
    _round_scales(model, dtype)
    before = probe(model, calibration)
    gate(
        all(bool(logits.isfinite().all()) for logits in before),
        "the compressed model's logits are not finite",
    )
    linears = decoder_linears(model).values()
    shares, n_quantised = nonzero_shares(model), sum(map(is_quantised, linears))
    save(model, dtype, source=source, folder=folder)
    after = probe(reload(model, folder), calibration)
    gate(
        all(map(torch.equal, before, after)),
        "the saved checkpoint does not answer as the model did in memory",
    )
    audit = measure(method, folder, shares)
    audit |= {"is_reload_equal": True, "n_quantised": n_quantised, "n_samples": len(calibration)}
    (folder / "audit.json").write_text(json.dumps(audit, indent=2, sort_keys=True) + "\n")
    return audit


def stored_dtype(model: nn.Module) -> torch.dtype:
    """Choose the 16-bit type that holds every weight as it is.

    Raises: InputError where neither does.
    """
    for dtype in (torch.bfloat16, torch.float16):
        if all(torch.equal(weight.to(dtype).to(weight.dtype), weight) for weight in model.parameters()):
            return dtype
    raise InputError("the model's weights are neither bfloat16 nor float16; save it in one of them first")


def save(model: PreTrainedModel, dtype: torch.dtype, *, source: Path, folder: Path) -> None:
    """Write the checkpoint, packed where weights are quantised, with tokenizer and processor beside it."""
    for name in model.config.sub_configs:
        getattr(model.config, name).dtype = dtype  # else they say float32, which vLLM believes
    nn.Module.to(model, dtype)  # transformers refuses `to` for quantised models; the packing below needs it
    with quiet():
        if any(map(is_quantised, decoder_linears(model).values())):
            from compressed_tensors.compressors import ModelCompressor

            compressor = ModelCompressor.from_pretrained_model(model)
            compressor.compress_model(model)
            PreTrainedModel.save_pretrained(model, folder, save_original_format=False)
            compressor.update_config(str(folder))
        else:
            PreTrainedModel.save_pretrained(model, folder, save_original_format=False)
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


@torch.no_grad()
def probe(model: PreTrainedModel, calibration: Samples) -> list[Tensor]:
    """Compute the logits of the first samples.

    Shapes: -> (1, T, vocabulary) per sample.
    """
    with quiet():
        return [model(**sample, use_cache=False).logits for sample in calibration[:PROBES]]


@contextmanager
def whole(folder: Path) -> Iterator[Path]:
    """Give a folder to write into that takes the place of `folder` when all is written, and not before."""
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)  # of a run that was killed
    part.mkdir(parents=True)
    try:
        yield part
        shutil.rmtree(folder, ignore_errors=True)
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


@torch.no_grad()
def _round_scales(model: nn.Module, dtype: torch.dtype) -> None:
    for name, value in model.named_parameters():
        if name.endswith("weight_scale"):
            value.copy_(value.to(dtype))
