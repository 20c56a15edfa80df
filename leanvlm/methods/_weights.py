"""Methods that rewrite the decoder's linear layers, once: a method owes `budget` and `compress`.

Only the projections of each decoder layer are touched, mostly seven; the vision tower, the projector, the
embeddings, the norms, the biases and the output head stay as they are. Layers are calibrated one after the
other: what enters a layer comes from the layers before it as the method left them. `_checkpoint.py` writes
the result and proves it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel, ProcessorMixin

from leanvlm.errors import InputError
from leanvlm.methods._method import Method

LAYER = r".*(language|text)_model\.(model\.)?layers\.\d+"  # in memory, and in checkpoints of older versions
LINEAR = LAYER + r"\.(.*_proj|feed_forward\.w\d)"
Samples = list[dict[str, Tensor]]  # the model's keyword arguments, batches of one


@dataclass(frozen=True, kw_only=True)
class WeightsMethod(Method):
    """A method that prunes or quantises; its setting is its strength."""

    acts_on: ClassVar[str] = "weights"
    settings: ClassVar[str]  # the allowed settings, in words
    setting: str

    def __post_init__(self) -> None:
        super().__post_init__()
        self.budget()  # a wrong setting is refused before any work is done

    def budget(self) -> float:
        """Return the share that is asked to be kept: of non-zero weights, or of stored bits, scales included.

        Raises: InputError for a setting that the method does not know.
        """
        raise NotImplementedError

    def compress(self, model: PreTrainedModel, calibration: Samples, *, processor: ProcessorMixin) -> None:
        """Rewrite the decoder's linear layers in place; `model` is in float32."""
        raise NotImplementedError

    def refusal(self) -> InputError:
        """Say that the setting is not allowed and which are."""
        name = "/".join(type(self).__module__.split(".")[-2:])
        return InputError(f"{name} has no setting {self.setting!r}; it takes {self.settings}")


@dataclass(frozen=True)
class Block:
    """One decoder layer and what enters it per calibration sample: states (1, T, C), other arguments."""

    layer: nn.Module
    linears: dict[str, nn.Linear]
    states: list[Tensor]
    keywords: list[dict[str, Any]]

    @torch.no_grad()
    def outputs(self) -> list[Tensor]:
        """Run the layer as it is now.

        Shapes: -> (1, T, C) per sample.
        """
        return [self.layer(states, **words) for states, words in zip(self.states, self.keywords, strict=True)]

    def input_norms(self) -> dict[str, Tensor]:
        """Return the Euclidean norm of each input of each linear layer, over all tokens of all samples.

        Shapes: -> (inputs,) per linear layer, float32.
        """
        squares = {name: linear.weight.new_zeros(linear.in_features) for name, linear in self.linears.items()}
        hooks = [linear.register_forward_pre_hook(_adder(squares[name])) for name, linear in self.linears.items()]
        self.outputs()
        for hook in hooks:
            hook.remove()
        return {name: total.sqrt() for name, total in squares.items()}


def decoder_linears(model: nn.Module) -> dict[str, nn.Linear]:
    """Find the linear layers that a weights method may touch.

    Raises: InputError for a model that has none under the known names.
    """
    named = model.named_modules()
    found = {name: part for name, part in named if isinstance(part, nn.Linear) and re.fullmatch(LINEAR, name)}
    if not found:
        raise InputError(
            f"{type(model).__name__} has no linear layers named language_model.layers.N.*_proj or the like"
        )
    return found


def decoder_layers(model: nn.Module) -> dict[str, nn.Module]:
    """Find the decoder's layers, in order of execution."""
    return {name: part for name, part in model.named_modules() if re.fullmatch(LAYER, name)}


def walk(model: PreTrainedModel, calibration: Samples) -> Iterator[Block]:
    """Yield the decoder's layers; what enters each comes from those before it as the caller left them."""
    layers = decoder_layers(model)
    linears = decoder_linears(model)
    states, keywords = _entrances(model, list(layers.values()), calibration)
    for (name, layer), words in zip(layers.items(), keywords, strict=True):
        own = {key: linear for key, linear in linears.items() if key.startswith(f"{name}.")}
        block = Block(layer, own, states, words)
        yield block
        states = block.outputs()


@torch.no_grad()
def _entrances(
    model: PreTrainedModel, layers: list[nn.Module], calibration: Samples
) -> tuple[list[Tensor], list[list[dict[str, Any]]]]:
    """Run the untouched model and note what enters the first layer, and every layer's other arguments."""
    states: list[Tensor] = []
    keywords: list[list[dict[str, Any]]] = [[] for _ in layers]

    def note(_: nn.Module, args: tuple[Tensor, ...], words: dict[str, Any], *, index: int) -> None:
        keywords[index].append(words)
        if index == 0:
            states.append(args[0])

    hooks = [
        layer.register_forward_pre_hook(lambda *call, i=index: note(*call, index=i), with_kwargs=True)
        for index, layer in enumerate(layers)
    ]
    for sample in calibration:
        model(**sample, use_cache=False, logits_to_keep=1)
    for hook in hooks:
        hook.remove()
    return states, keywords


def _adder(total: Tensor) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
    def add(_: nn.Module, args: tuple[Tensor, ...]) -> None:
        total.add_(args[0].float().square().flatten(0, -2).sum(0))

    return add
