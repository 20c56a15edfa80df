"""Count what a run asks of a device: operations, bytes that it must at least move, and the memory that it takes.

Operations are counted as they are dispatched, by PyTorch's own formulas, so they are those of what was kept, whatever
the architecture; a causal attention counts half. Bytes are the least that any kernel must move: the weights of the
modules that run, once a prompt or a step, and the cache that is written or read; activations may stay on the chip.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from leanvlm.clock.memory import Peak
from leanvlm.clock.run import answer
from leanvlm.engine.decode.memory import cache_bytes
from leanvlm.models._model import LoadedModel
from leanvlm.recipes import Recipe
from leanvlm.sample import Sample

STEPS = 3  # tokens that are decoded where work is counted: the first, and two more


@dataclass(frozen=True)
class Work:
    """What the phases of a batch ask for, in the order of the table's: vision, prefill, decode, which is a step.

    `cache_bytes` are those that decoding reads at last; `peak_bytes` beside the weights, None where nobody tells.
    """

    operations: tuple[float, ...]
    moved_bytes: tuple[float, ...]
    cache_bytes: int
    peak_bytes: int | None


def count(model: LoadedModel, samples: Sequence[Sample], recipe: Recipe) -> Work:
    """Answer a batch once, untimed, and count."""
    meter, peak = Meter(), Peak(model.model.device)
    caches = [start.cache for start in answer(model, samples, recipe, meter, new_tokens=STEPS)]
    found, held = meter.operations, sum(map(cache_bytes, caches))
    text, everything = weight_bytes(model.text, model.head), weight_bytes(model.model)
    tower, layers = len(samples) * (everything - text), weight_bytes(*model.text.layers, model.head)
    return Work(
        operations=(
            found["vision"],
            found["vision"] + found["selection"] + found["read"],
            found["decode"] / (STEPS - 1),
        ),
        moved_bytes=(tower, tower + len(samples) * layers + held, layers + held),
        cache_bytes=held,
        peak_bytes=peak.read(),
    )


class Meter:
    """Watches a run and adds up operations by phase."""

    def __init__(self) -> None:
        self.operations: dict[str, float] = {}

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Count within a `with`."""
        with FlopCounterMode(display=False, custom_mapping=FORMULAS) as counter:
            yield
        self.operations[name] = self.operations.get(name, 0.0) + counter.get_total_flops()


def weight_bytes(*modules: nn.Module) -> int:
    """Add up the bytes of weights, each once."""
    weights = {id(weight): weight.nbytes for module in modules for weight in module.parameters()}
    return sum(weights.values())


def _attention(causal_at: int) -> Callable[..., int]:
    """Make the formula of a kernel that says at which of its options whether it is causal; PyTorch's ignores that."""

    def operations(query: Any, key: Any, value: Any, *options: Any, out_shape: Any = None, **named: Any) -> int:  # noqa: ARG001
        is_causal = options[causal_at] if len(options) > causal_at else named.get("is_causal", False)
        batch, heads, n_queries, width = query  # those of keys and values may be fewer: they are shared
        n: int = 2 * batch * heads * n_queries * key[2] * (width + value[3])
        return n // 2 if is_causal else n

    return operations


ATEN = torch.ops.aten
FORMULAS = {
    ATEN._scaled_dot_product_flash_attention_for_cpu: _attention(1),
    ATEN._scaled_dot_product_flash_attention: _attention(1),
    ATEN._scaled_dot_product_efficient_attention: _attention(3),
    ATEN._scaled_dot_product_cudnn_attention: _attention(3),
}
