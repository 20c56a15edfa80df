"""Go through a decoder layer by layer, each lent to where it computes, with what enters it from those before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from leanvlm.errors import InputError
from leanvlm.methods.weights._block import Block
from leanvlm.methods.weights._entrances import Entering, Entrance
from leanvlm.methods.weights._layers import decoder_layers, linears_by_layer
from leanvlm.methods.weights._lending import Place, lent

if TYPE_CHECKING:  # reading a recipe does without: it takes seconds to import
    from transformers import PreTrainedModel

PROBES = 3  # samples that go through layers of which no method wants to know the inputs
FINAL_NORMS = ("norm", "embedding_norm")  # what the decoder stack ends with, by its name there

Leave = Callable[[Block], bool]
Amend = Callable[[Block, dict[str, Tensor]], None]
Before = dict[Tensor, Tensor]  # what was lent, and what it is otherwise


@dataclass
class Decoder:
    """A model as its checkpoint stores it, with its calibration samples at the decoder's entrance.

    Takes: place, where a layer computes while it is looked at or rewritten, and in which type; leave, told of each
    layer that was rewritten, says whether it is written out and can be let go, else it is put back; amend, given each
    layer that was rewritten for the last time with its weights before the first. After a walk, `states` holds what
    the last layer gave.
    """

    model: PreTrainedModel
    samples: list[Entering]
    place: Place = field(default_factory=Place)
    leave: Leave = lambda _: False
    amend: Amend | None = None
    originals: dict[str, Tensor] | None = None  # where something is to be amended; as stored, until it is
    states: list[Tensor] = field(default_factory=list)

    @property
    def stored(self) -> torch.dtype:
        """The type that stores the weights; that of the tokens' embeddings, which are never lent or packed."""
        tokens: Any = self.model.get_input_embeddings()
        dtype: torch.dtype = tokens.weight.dtype
        return dtype

    def look(self) -> Iterator[Block]:
        """Yield the layers of the model as it is."""
        return self._walk(self._listening())

    def spend(self) -> Iterator[Block]:
        """Yield the layers for a last look, with as many samples as prove something, and let each go."""
        return self._walk(self.samples[:PROBES], spends=True)

    def rewrite(self, *, listens: bool = True) -> Iterator[Block]:
        """Yield the layers to be rewritten; what enters each comes from those before it as they were rewritten.

        Values are rounded to the type that they are stored in before the next layer is reached.

        Takes: listens, whether all samples go through the layers, or just enough to prove the result.
        """
        return self._walk(self._listening() if listens or self.amend else self.samples[:PROBES], rewrites=True)

    def _listening(self) -> list[Entering]:
        if not self.samples:
            raise InputError("a method that looks at what enters a layer needs calibration samples, and there are none")
        return self.samples

    @torch.no_grad()
    def _walk(self, samples: list[Entering], *, rewrites: bool = False, spends: bool = False) -> Iterator[Block]:
        linears, states, stored = linears_by_layer(self.model), [torch.zeros(())] * len(samples), self.stored
        for index, (name, layer) in enumerate(decoder_layers(self.model).items()):
            entrances = [sample.layers[index] for sample in samples]
            states = [self._entering(*pair) for pair in zip(states, entrances, strict=True)]
            with lent(layer, self.place) as before:
                keywords = [self.place.take(entrance.keywords) for entrance in entrances]
                block = Block(name, index, layer, linears[index], states, keywords, samples, stored)
                if rewrites:
                    self._remember(block)
                yield block
                if rewrites:
                    settle(block)
                    self._amend(block)
                for place in range(len(states)):
                    states[place] = block.output(place)
                gone = spends or (rewrites and self.leave(block))
                if rewrites and not gone:
                    _put_back(before)
            if gone:
                layer.to("meta")
        self.states = states

    def _remember(self, block: Block) -> None:
        """Copy the weights of a layer before it is first rewritten, for what amends it later."""
        if self.originals is not None:
            for name, linear in block.linears.items():
                if name not in self.originals:
                    self.originals[name] = linear.weight.detach().to("cpu", self.stored, copy=True)

    def _amend(self, block: Block) -> None:
        if self.amend is not None and self.originals is not None:
            self.amend(block, {name: self.originals.pop(name) for name in block.linears})

    def _entering(self, left: Tensor, entrance: Entrance) -> Tensor:
        added: Tensor | None = self.place.take(entrance.added)
        if added is None:
            return left
        return left + added if left.ndim else added

    @torch.no_grad()
    def onward(self, states: list[Tensor], of: list[Entering], after: int) -> list[Tensor]:
        """Run what left one layer through those that follow.

        Takes: of, the samples that the states are of; after, the index of the layer that they left.

        Shapes: (1, T, C) -> (1, T, C) each.
        """
        for index, layer in list(enumerate(decoder_layers(self.model).values()))[after + 1 :]:
            with lent(layer, self.place):
                entrances = [sample.layers[index] for sample in of]
                entered = [self._entering(*pair) for pair in zip(states, entrances, strict=True)]
                words = [self.place.take(entrance.keywords) for entrance in entrances]
                states = [layer(one, **own) for one, own in zip(entered, words, strict=True)]
        return states

    @torch.no_grad()
    def logits(self, states: list[Tensor], n: int) -> list[Tensor]:
        """Turn what left the last layer into logits of the last `n` positions.

        Shapes: (1, T, C) -> (n, vocabulary) each.
        """
        stack = self.model.get_submodule(next(iter(decoder_layers(self.model))).rpartition(".layers.")[0])
        norm = next(part for name in FINAL_NORMS if (part := getattr(stack, name, None)) is not None)
        head: Any = self.model.get_output_embeddings()  # type: ignore[no-untyped-call]
        with lent(norm, self.place), lent(head, self.place):
            return [head(norm(one[0, -n:])) for one in states]


@torch.no_grad()
def settle(block: Block) -> None:
    """Round what is stored as it is to the type that stores it; what is quantised was rounded with its scales."""
    for name, value in block.layer.named_parameters():
        if value.is_floating_point() and not _is_quantised(block.layer, name):
            value.copy_(value.to(block.stored))


def _is_quantised(layer: nn.Module, name: str) -> bool:
    module, _, kind = name.rpartition(".")
    return kind != "bias" and hasattr(layer.get_submodule(module), "quantization_scheme")


@torch.no_grad()
def _put_back(before: Before) -> None:
    """Write values where they were before the layer was lent."""
    for tensor, own in before.items():
        if own.data_ptr() != tensor.data_ptr():
            own.copy_(tensor.data)
