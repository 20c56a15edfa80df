"""Bring a part of a model to where and in which type it computes, for as long as that takes, and no longer.

A model is kept as its checkpoint stores it, mostly in pages of the file itself; what is lent is one layer at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn

WIDENED = (
    torch.float32,
    torch.bfloat16,
    torch.float16,
)  # not eight bits, whose values mean something with their scales


@dataclass(frozen=True)
class Place:
    """Where layers compute, and in which type."""

    device: str = "cpu"
    dtype: torch.dtype = torch.float32

    def take(self, value: Any) -> Any:
        """Bring a tensor here, or every tensor of a tuple, list or dictionary; leave what is none."""
        if isinstance(value, Tensor):
            return value.to(self.device, self.dtype if value.dtype in WIDENED else value.dtype)
        if isinstance(value, dict):
            return {name: self.take(one) for name, one in value.items()}
        if isinstance(value, tuple | list):
            return type(value)(self.take(one) for one in value)
        return value


def is_exact(name: str) -> bool:
    """Tell of a tensor, by its name, whether 16 bits do not hold it, and whoever reads it needs all of it."""
    return name.endswith("_global_scale")


@contextmanager
def lent(module: nn.Module, place: Place, *, alone: bool = False) -> Iterator[dict[Tensor, Tensor]]:
    """Lend a module to a place; give what its tensors were before, which they are again afterwards.

    Takes: alone, to leave out the modules within it.
    """
    tensors = dict(chain(module.named_parameters(recurse=not alone), module.named_buffers(recurse=not alone)))
    before = {tensor: tensor.data for tensor in tensors.values()}
    try:
        for name, tensor in tensors.items():
            tensor.data = tensor.data.to(place.device) if is_exact(name) else place.take(tensor.data)
        yield before
    finally:
        for tensor, own in before.items():
            tensor.data = own


@contextmanager
def streamed(model: nn.Module, place: Place, *, besides: set[nn.Module]) -> Iterator[None]:
    """Let a model compute at a place, with the elements of its lists of blocks lent one after the other.

    What stands outside lists is lent throughout, but for embeddings of tokens, which are large: what they give is
    brought along instead. Takes: besides, modules to leave as they are.
    """
    with ExitStack() as stack:
        tokens: Any = model.get_input_embeddings()  # type: ignore[operator]
        for part in _outside_lists(model, besides | {tokens}):
            stack.enter_context(lent(part, place, alone=True))
        for block in _blocks(model, besides):
            stack.enter_context(_lent_while_it_runs(block, place))
        own = tokens.weight.device
        hooks = [
            tokens.register_forward_pre_hook(lambda _, given: tuple(ids.to(own) for ids in given)),
            tokens.register_forward_hook(lambda _, __, output: place.take(output)),
        ]
        for hook in hooks:
            stack.callback(hook.remove)
        yield


@contextmanager
def _lent_while_it_runs(block: nn.Module, place: Place) -> Iterator[None]:
    """Lend a block before each of its calls, and take it back after."""
    loan = ExitStack()

    def lend(*_: Any) -> None:
        loan.enter_context(lent(block, place))

    hooks = [
        block.register_forward_pre_hook(lend),
        block.register_forward_hook(lambda *_: loan.close(), always_call=True),
    ]
    yield
    for hook in hooks:
        hook.remove()


def _outside_lists(module: nn.Module, besides: set[nn.Module]) -> Iterator[nn.Module]:
    yield module
    for part in module.children():
        if part not in besides and not isinstance(part, nn.ModuleList):
            yield from _outside_lists(part, besides)


def _blocks(module: nn.Module, besides: set[nn.Module]) -> Iterator[nn.Module]:
    for part in module.children():
        if part not in besides:
            yield from part if isinstance(part, nn.ModuleList) else _blocks(part, besides)
