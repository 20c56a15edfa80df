"""One call of llmcompressor, behind refusals and gates: much of what goes wrong in it raises no exception.

What version 0.14.0.1 does silently, and what happens here instead:
- it traces the first sample only, so later ones lose their pictures: samples of several kinds are refused;
- without samples a calibrated algorithm changes nothing, or makes NaN: they are asked for;
- "Linear" with a list of modules to ignore comes back with a quantised vision tower: targets are regexes;
- a layer without an inverse Hessian, or with outputs that are NaN, is rounded to nearest or left out with no more
  than a warning: any warning stops the run;
- quantising a pruned model fills its zeros: such a model is refused;
- a model whose layers were cut in memory is saved with its old configuration: it is refused;
- Gemma's norms come back rounded, also where nothing was to change: they are put back as they were.
What can only be seen afterwards (budgets, modules quantised, NaN, what is loaded again) `_checkpoint.py` gates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader
from transformers import PreTrainedModel, ProcessorMixin

from leanvlm.errors import RunError
from leanvlm.methods.weights._refusals import refuse, refuse_datafree
from leanvlm.methods.weights._weights import LAYER, LINEAR, Samples, decoder_layers
from leanvlm.processes.quiet import quiet

TARGETS = [f"re:{LINEAR}$"]
IN_LAYER = f"re:{LAYER}" + r"\."  # to be followed by a module's name, as in self_attn\.q_proj$
HARMLESS = ("Disabling tokenizer parallelism", "No accelerator available")  # warnings of other things than weights

Modifiers = Callable[[], Sequence[Any]]  # imports llmcompressor, which takes seconds, and builds fresh ones


def oneshot(
    model: PreTrainedModel,
    modifiers: Modifiers,
    calibration: Samples | None,
    *,
    processor: ProcessorMixin,
    changes: frozenset[str] = frozenset(),
) -> None:
    """Let llmcompressor rewrite the decoder's linear layers, and leave plain tensors behind.

    Takes: calibration, None for what looks at no sample; changes, the norms that may change too.

    Raises: InputError for a model or samples on which it would fail silently, RunError where it warns.
    """
    refuse(model, calibration)
    with quiet():
        from compressed_tensors.offload import remove_dispatch
        from llmcompressor.core import active_session
        from llmcompressor.entrypoints.oneshot import oneshot as run

        recipe = list(modifiers())
        refuse_datafree(recipe, calibration)
        generator = torch.Generator()  # else the loader draws from the global one
        samples: Any = calibration
        loader: Any = DataLoader(samples, batch_size=None, generator=generator) if samples else None
        layer = type(next(iter(decoder_layers(model).values()))).__name__
        try:
            with _unpinned(), _norms_kept(model, besides=changes), _warnings_stop():
                run(model=model, recipe=recipe, dataset=loader, processor=processor, sequential_targets=[layer])
        finally:
            session: Any = active_session()
            session.reset()  # else it holds the model and the samples until the next call
        remove_dispatch(model)


@contextmanager
def _unpinned() -> Iterator[None]:
    """Let AWQ run without an accelerator, whose memory it would pin to."""
    from compressed_tensors.utils import patch_attr
    from llmcompressor.pipelines.cache import IntermediatesCache

    pin = IntermediatesCache.pin_memory
    with patch_attr(IntermediatesCache, "pin_memory", pin if torch.accelerator.is_available() else _leave):
        yield


def _leave(*_: Any, **__: Any) -> None:
    pass


@contextmanager
def _norms_kept(model: nn.Module, *, besides: frozenset[str]) -> Iterator[None]:
    """Put norms back: llmcompressor adds 1 to Gemma's and takes it away again, which rounds."""
    named = model.named_parameters()
    norms = {name: value.clone() for name, value in named if "norm" in name and name not in besides}
    yield
    with torch.no_grad():
        for name, value in norms.items():
            model.get_parameter(name).copy_(value)


@contextmanager
def _warnings_stop() -> Iterator[None]:
    """Turn what llmcompressor only logs into an end of the run.

    Raises: RunError with the first warning.
    """
    from loguru import logger

    said: list[str] = []

    def hear(message: Any) -> None:
        record = message.record
        if record["level"].name in ("WARNING", "ERROR") and not record["message"].startswith(HARMLESS):
            said.append(record["message"])

    sink = logger.add(hear, level="WARNING")
    try:
        yield
    finally:
        logger.remove(sink)
    if said:
        raise RunError(f"llmcompressor warned, and nothing is kept of this checkpoint: {' '.join(said[0].split())}")
