"""Write what weights methods made of a model, layer by layer, and prove it: several mistakes raise no exception.

Stored in 16 bits: bfloat16, or float16 where the original's weights need it, so nothing but the method changes a value.
Layers are lent, calibrated, written out and let go one by one; a method before the last leaves its own in memory.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from leanvlm.errors import InputError
from leanvlm.methods.weights._audit import Audit, fingerprints, measure, quantised, require
from leanvlm.methods.weights._compensating import CompensatingMethod
from leanvlm.methods.weights._decoder import Decoder
from leanvlm.methods.weights._entrances import Entering
from leanvlm.methods.weights._layers import decoder_linears
from leanvlm.methods.weights._lending import Place
from leanvlm.methods.weights._refusals import refuse, refuse_pruned
from leanvlm.methods.weights._saving import Shards, reload, rest, save_beside
from leanvlm.methods.weights._watch import Watch
from leanvlm.methods.weights._weights import WeightsMethod
from leanvlm.methods.weights._zeros import Zeros, require_zeros
from leanvlm.models import _low_rank
from leanvlm.models._network import widen
from leanvlm.models._published import published_names
from leanvlm.models._soundness import not_finite
from leanvlm.processes.quiet import quiet

if TYPE_CHECKING:  # reading a recipe does without: it takes seconds to import
    from transformers import PreTrainedModel

Prints = dict[str, str]  # a hash a tensor


def produce(
    methods: Sequence[WeightsMethod],
    model: PreTrainedModel,
    entered: list[Entering],
    *,
    source: Path,
    folder: Path,
    place: Place | None = None,
) -> Audit:
    """Compress `model`, read from `source`, and write it with its audit to `folder`; `model` is spent.

    Takes: entered, the calibration samples at the decoder's entrance; place, where layers compute, and in which type.

    Raises: InputError for a model or samples that a method cannot take, RunError where the result is not what
        was asked for.
    """
    if not entered:
        raise InputError("a weights method needs calibration samples, and there are none; raise calibration.n")
    rewriting, amending = rewriting_and_amending(methods)
    refuse(methods, model)
    stored = store(model)
    besides = frozenset().union(*(method.changes(model) for method in methods))
    untouched = fingerprints(model, besides=besides)
    published = published_names(model)
    decoder, shards = Decoder(model, entered, place or Place()), Shards(folder, stored, published)
    watches = [Watch(method, shards if method is rewriting[-1] else None) for method in rewriting]
    decoder.originals = {} if amending else None
    for watch in watches:
        decoder.amend = amending.amend if amending and watch is watches[-1] else None
        compress(decoder, watch)
    shards.add(rest(model, besides=shards.names | watches[-1].added.keys()))
    shards.close()
    if amending:
        _low_rank.save(watches[-1].added, folder)
    save_beside(model, stored, source=source, folder=folder)
    left, pruned = kept_by(watches)
    prove(decoder, folder, stored, untouched, besides=besides, pruned=pruned)
    names = {published(name): name for name in decoder_linears(model)}
    audit = measure(methods, folder, names=names, left=left, nonzero=watches[-1].nonzero)
    audit |= {"is_reload_equal": True, "n_quantised": len(quantised(model)), "n_samples": len(entered)}
    (folder / "audit.json").write_text(json.dumps(audit, indent=2, sort_keys=True) + "\n")
    return audit


def rewriting_and_amending(
    methods: Sequence[WeightsMethod],
) -> tuple[list[WeightsMethod], CompensatingMethod | None]:
    """Tell the methods that rewrite weights from the one that makes good what they lost, if there is one.

    Raises: InputError where nothing is lost that could be made good.
    """
    rewriting = [method for method in methods if not isinstance(method, CompensatingMethod)]
    amending = [method for method in methods if isinstance(method, CompensatingMethod)]
    if not rewriting or len(amending) > 1:
        raise InputError("a method that makes good what others lost follows one that prunes or quantises, by itself")
    return rewriting, amending[0] if amending else None


def compress(decoder: Decoder, watch: Watch) -> None:
    """Let one method rewrite the decoder, and see that it did all of it, and nothing else.

    Raises: InputError for a pruned model that it would fill; RunError where what it gives is no number.
    """
    decoder.leave = watch
    if watch.method.fills_zeros:
        refuse_pruned(decoder.model)
    watch.method.compress(decoder)
    require(set(watch.nonzero) == set(decoder_linears(decoder.model)), "the method left out layers of the decoder")
    require(
        all(bool(states.isfinite().all()) for states in decoder.states), "what the compressed model says is not finite"
    )


def kept_by(watches: Sequence[Watch]) -> tuple[dict[str, float], Zeros]:
    """Return the share of each layer's weights that pruning left, all of them where nothing pruned, and the zeros."""
    pruning = [watch for watch in watches if not watch.method.quantises]
    if not pruning:
        return dict.fromkeys(watches[-1].nonzero, 1.0), {}
    return pruning[-1].nonzero, pruning[-1].zeros


@torch.no_grad()
def prove(
    decoder: Decoder, folder: Path, stored: torch.dtype, untouched: Prints, *, besides: frozenset[str], pruned: Zeros
) -> None:
    """Read the checkpoint again and compare it with the model that it was written from, which is let go before.

    Raises: RunError where a tensor that no method may change was changed, other modules are quantised, a pruned weight
        came back, or what leaves the last layer is not what it was, bit by bit.
    """
    marked, before = quantised(decoder.model), decoder.states
    nn.Module.to(decoder.model, "meta")  # whoever else knows this model, only one is held at a time
    again = reload(decoder.model, folder, stored)
    require(quantised(again) == marked, "other modules come back quantised than were saved")
    require(
        fingerprints(again, besides=besides) == untouched,
        "the method changed tensors other than the decoder's linear weights",
    )
    found = Decoder(again, decoder.samples, decoder.place)
    for block in found.spend():
        unpack(block.layer, decoder.place.dtype)
        require_zeros(block.linears, pruned)
    pairs: list[tuple[Tensor, Tensor]] = list(zip(before, found.states, strict=False))
    require(
        bool(pairs) and all(torch.equal(*pair) for pair in pairs),
        "the saved checkpoint does not answer as the model did in memory",
    )


def unpack(layer: nn.Module, dtype: torch.dtype) -> None:
    """Turn what is packed into weights again, as whoever loads it does, in the type in which the layer computes."""
    with quiet():
        if quantised(layer):
            from compressed_tensors.compressors import decompress_module

            for part in layer.modules():
                decompress_module(part)
            widen(layer, dtype)


def store(model: PreTrainedModel) -> torch.dtype:
    """Bring a model to the 16-bit type that holds every weight as it is, and say which that is.

    Raises: InputError where neither does, and for weights that are no numbers.
    """
    nn.Module.eval(model)
    dtype = stored_dtype(model)
    for value in model.parameters():
        value.data = value.data.to(dtype)
    return dtype


def stored_dtype(model: nn.Module) -> torch.dtype:
    """Choose the 16-bit type that holds every weight as it is.

    Raises: InputError where neither does, and for weights that are no numbers.
    """
    for name, weight in model.named_parameters():
        if kind := not_finite(weight):
            raise InputError(f"{name} has {kind} weights, and no method can rewrite that; fetch the checkpoint again")
    for dtype in (torch.bfloat16, torch.float16):
        if all(torch.equal(weight.to(dtype).to(weight.dtype), weight) for weight in model.parameters()):
            return dtype
    raise InputError("the model's weights are neither bfloat16 nor float16; save it in one of them first")
