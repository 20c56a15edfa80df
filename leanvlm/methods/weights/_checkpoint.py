"""Write what a weights method made of a model, and prove it: several mistakes raise no exception.

Stored in 16 bits: bfloat16, or float16 where the original's weights need it, so nothing but the method
changes a value. Calibration and answers compute in float32 from what is stored.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel, ProcessorMixin

from leanvlm.errors import InputError
from leanvlm.methods.weights._audit import Audit, fingerprints, measure, nonzero_shares, quantised, require
from leanvlm.methods.weights._saving import reload, save
from leanvlm.methods.weights._weights import Samples, WeightsMethod, decoder_linears
from leanvlm.methods.weights._zeros import Zeros, require_pattern, require_zeros, zeros
from leanvlm.processes.quiet import quiet

PROBES = 3  # calibration samples whose logits must survive saving and loading, bit by bit
PROBED_TOKENS = 64  # of each sample; all of them would take gigabytes


def produce(
    methods: Sequence[WeightsMethod],
    model: PreTrainedModel,
    processor: ProcessorMixin,
    calibration: Samples,
    *,
    source: Path,
    folder: Path,
) -> Audit:
    """Compress `model`, read from `source`, and write it with its audit to `folder`; `model` is spent.

    Raises: InputError for a model or samples that a method cannot take, RunError where the result is not what
        was asked for.
    """
    if not calibration:
        raise InputError("a weights method needs calibration samples, and there are none; raise calibration.n")
    for method in methods:
        method.refuse_widths(model)
    dtype = stored_dtype(model)
    nn.Module.float(nn.Module.eval(model))
    pruned: Zeros = {}
    left = dict.fromkeys(decoder_linears(model), 1.0)
    for method in methods:
        apply(method, model, calibration, dtype, processor=processor)
        if not method.quantises:
            pruned, left = zeros(model), nonzero_shares(model)
    before, shares, marked = probe(model, calibration), nonzero_shares(model), quantised(model)
    require(all(bool(logits.isfinite().all()) for logits in before), "the compressed model's logits are not finite")
    save(model, dtype, source=source, folder=folder)
    nn.Module.to(model, "meta")  # whoever else knows this model, only one is held at a time
    again = reload(model, folder)
    after = probe(again, calibration)
    require(all(map(torch.equal, before, after)), "the saved checkpoint does not answer as the model did in memory")
    require(quantised(again) == marked, "other modules come back quantised than were saved")
    require_zeros(again, pruned)
    audit = measure(methods, folder, left=left, nonzero=shares)
    audit |= {"is_reload_equal": True, "n_quantised": len(marked), "n_samples": len(calibration)}
    (folder / "audit.json").write_text(json.dumps(audit, indent=2, sort_keys=True) + "\n")
    return audit


def apply(
    method: WeightsMethod,
    model: PreTrainedModel,
    calibration: Samples,
    dtype: torch.dtype,
    *,
    processor: ProcessorMixin,
) -> None:
    """Let one method rewrite the model, at values that `dtype` stores, and nothing but what it may.

    Raises: RunError where it changed or quantised anything else, or broke its pattern.
    """
    besides = method.changes(model)
    untouched = fingerprints(model, besides=besides)
    method.compress(model, calibration, processor=processor)
    require(
        fingerprints(model, besides=besides) == untouched,
        "the method changed tensors other than the decoder's linear weights",
    )
    asked = set(decoder_linears(model)) if method.quantises else set()
    require(quantised(model) == asked, f"{len(quantised(model))} modules were quantised where {len(asked)} were asked")
    settle(model, dtype)
    require_pattern(method, model)


@torch.no_grad()
def settle(model: nn.Module, dtype: torch.dtype) -> None:
    """Round what is stored in `dtype` to it, scales too, and then quantised weights to multiples of their scales."""
    weights = {f"{name}.weight" for name in quantised(model)}
    for name, value in model.named_parameters():
        if value.is_floating_point() and name not in weights:
            value.copy_(value.to(dtype))
    if weights:
        from compressed_tensors.quantization import fake_quantize

        for linear in decoder_linears(model).values():
            scheme: Any = linear.quantization_scheme
            linear.weight.copy_(fake_quantize(linear.weight, linear.weight_scale, None, scheme.weights))


def stored_dtype(model: nn.Module) -> torch.dtype:
    """Choose the 16-bit type that holds every weight as it is.

    Raises: InputError where neither does, and for weights that are no numbers.
    """
    for name, weight in model.named_parameters():
        if not bool(torch.isfinite(weight).all()):
            kind = "NaN" if bool(weight.isnan().any()) else "infinite numbers"
            raise InputError(f"{name} holds {kind}, and no method can rewrite that; fetch the checkpoint again")
    for dtype in (torch.bfloat16, torch.float16):
        if all(torch.equal(weight.to(dtype).to(weight.dtype), weight) for weight in model.parameters()):
            return dtype
    raise InputError("the model's weights are neither bfloat16 nor float16; save it in one of them first")


@torch.no_grad()
def probe(model: PreTrainedModel, calibration: Samples) -> list[Tensor]:
    """Compute the last logits of the first samples; they depend on all that comes before.

    Shapes: -> (1, PROBED_TOKENS, vocabulary) per sample.
    """
    with quiet():
        return [
            model(**sample, use_cache=False, logits_to_keep=PROBED_TOKENS).logits for sample in calibration[:PROBES]
        ]
