"""Go through a decoder layer by layer: what enters one comes from those before it as a method left them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from leanvlm.methods.weights._weights import Samples, decoder_layers, decoder_linears

TOKENS = ("all", "text")  # whose inputs count: those of every token, or of the tokens that are not visual


@dataclass(frozen=True)
class Block:
    """One decoder layer and what enters it per calibration sample: states (1, T, C), other arguments."""

    layer: nn.Module
    linears: dict[str, nn.Linear]
    states: list[Tensor]
    keywords: list[dict[str, Any]]
    samples: Samples

    @torch.no_grad()
    def outputs(self) -> list[Tensor]:
        """Run the layer as it is now.

        Shapes: -> (1, T, C) per sample.
        """
        return [self._output(index) for index in range(len(self.samples))]

    @torch.no_grad()
    def input_norms(self, *, tokens: str = "all") -> dict[str, Tensor]:
        """Return the Euclidean norm of each input of each linear layer, over all samples; see TOKENS.

        Shapes: -> (inputs,) per linear layer, float32.
        """
        squares = {name: linear.weight.new_zeros(linear.in_features) for name, linear in self.linears.items()}
        for index, sample in enumerate(self.samples):
            rows = ~sample.is_visual if tokens == "text" else slice(None)
            hooks = [
                linear.register_forward_pre_hook(_adder(squares[name], rows)) for name, linear in self.linears.items()
            ]
            self._output(index)
            for hook in hooks:
                hook.remove()
        return {name: total.sqrt() for name, total in squares.items()}

    def _output(self, index: int) -> Tensor:
        output: Tensor = self.layer(self.states[index], **self.keywords[index])
        return output


@dataclass(frozen=True)
class _Entrance:
    """What one layer gets of one sample besides what the layer before gave: a tensor to add, other arguments."""

    added: Tensor | float
    keywords: dict[str, Any]


def walk(model: PreTrainedModel, calibration: Samples) -> Iterator[Block]:
    """Yield the decoder's layers; what enters each comes from those before it as the caller left them."""
    layers = decoder_layers(model)
    linears = decoder_linears(model)
    entered = _entrances(model, list(layers.values()), calibration)
    left: list[Any] = [0.0] * len(calibration)  # nothing before the first
    for (name, layer), entrances in zip(layers.items(), entered, strict=True):
        own = {key: linear for key, linear in linears.items() if key.startswith(f"{name}.")}
        states = [before + entrance.added for before, entrance in zip(left, entrances, strict=True)]
        block = Block(layer, own, states, [entrance.keywords for entrance in entrances], calibration)
        yield block
        left = block.outputs()


@torch.no_grad()
def _entrances(model: PreTrainedModel, layers: list[nn.Module], calibration: Samples) -> list[list[_Entrance]]:
    """Run the untouched model and note, per layer and sample, what enters.

    Qwen3-VL adds visual features between layers, so what enters one can be more than the layer before gave.
    """
    found: list[list[_Entrance]] = [[] for _ in layers]
    left: list[Tensor] = []  # what the layer before gave, if there is one

    def enter(_: nn.Module, args: tuple[Tensor, ...], words: dict[str, Any], *, index: int) -> None:
        before = left.pop() if index else torch.zeros(())
        found[index].append(_Entrance(0.0 if torch.equal(args[0], before) else args[0] - before, words))

    def leave(_: nn.Module, _args: tuple[Tensor, ...], output: Tensor) -> None:
        left[:] = [output]

    hooks = [
        layer.register_forward_pre_hook(lambda *call, i=index: enter(*call, index=i), with_kwargs=True)
        for index, layer in enumerate(layers)
    ]
    hooks += [layer.register_forward_hook(leave) for layer in layers]
    for sample in calibration:
        model(**sample, use_cache=False, logits_to_keep=1)
    for hook in hooks:
        hook.remove()
    return found


def _adder(total: Tensor, rows: Tensor | slice) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
    def add(_: nn.Module, args: tuple[Tensor, ...]) -> None:
        total.add_(args[0].float().flatten(0, -2)[rows].square().sum(0))

    return add
