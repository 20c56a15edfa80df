"""One decoder layer, lent to where it computes, and what enters it: all that a weights method looks at and rewrites."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from math import sqrt
from typing import Any

import torch
from torch import Tensor, nn

from leanvlm.methods.weights._entrances import Entering
from leanvlm.methods.weights._layers import OUTSIDE

TOKENS = ("all", "text")  # whose inputs count: those of every token, or of the tokens that are not visual

Listener = Callable[[str, Tensor], None]  # takes a linear layer's name and what enters it, (T, inputs)


@dataclass
class Block:
    """A decoder layer with its linear layers by their names in the model, and its inputs per calibration sample.

    Shapes: states, what enters, (1, T, C) per sample; keywords, the other arguments; samples, whose they are. The
    weights are in the type in which the layer computes; `stored` is the one that their checkpoint has.
    """

    name: str
    index: int
    layer: nn.Module
    linears: dict[str, nn.Linear]
    states: list[Tensor]
    keywords: list[dict[str, Any]]
    samples: list[Entering]
    stored: torch.dtype

    @torch.no_grad()
    def outputs(self) -> list[Tensor]:
        """Run the layer as it is now.

        Shapes: -> (1, T, C) per sample.
        """
        return [self.output(index) for index in range(len(self.states))]

    @torch.no_grad()
    def output(self, index: int) -> Tensor:
        """Run the layer as it is now on one sample.

        Shapes: -> (1, T, C).
        """
        found: Tensor = self.layer(self.states[index], **self.keywords[index])
        return found

    @torch.no_grad()
    def input_norms(self, *, tokens: str = "all") -> dict[str, Tensor]:
        """Return the Euclidean norm of each input of each linear layer, over all samples; see TOKENS.

        Shapes: -> (inputs,) per linear layer, float32.
        """
        totals = {name: _zeros(linear, linear.in_features) for name, linear in self.linears.items()}
        for index, sample in enumerate(self.samples):
            with self.heard(partial(_add_squares, totals, ~sample.is_visual if tokens == "text" else slice(None))):
                self.output(index)
        return {name: total.sqrt() for name, total in totals.items()}

    @torch.no_grad()
    def hessians(self, *only: str) -> dict[str, Tensor]:
        """Return the products of each linear layer's inputs, twice their sum over tokens, as a mean over samples.

        Linear layers that get the same inputs share one. Takes: only, the layers that are asked for, all by default.

        Shapes: -> (inputs, inputs) per linear layer, float32.
        """
        leaders = {name: leader for name, leader in self.leaders().items() if not only or name in only}
        totals = {name: _zeros(self.linears[name], *2 * [self.linears[name].in_features]) for name in leaders.values()}

        def add(name: str, inputs: Tensor) -> None:
            if name in totals:
                scaled = sqrt(2) * inputs
                totals[name].addmm_(scaled.T, scaled)

        with self.heard(add):
            self.outputs()
        means = {leader: total.div_(len(self.states)) for leader, total in totals.items()}
        return {name: means[leader] for name, leader in leaders.items()}

    @torch.no_grad()
    def input_maxima(self) -> dict[str, Tensor]:
        """Return the largest magnitude of each input of each linear layer, over all samples.

        Shapes: -> (inputs,) per linear layer, float32.
        """
        most = {name: _zeros(linear, linear.in_features) for name, linear in self.linears.items()}

        def add(name: str, inputs: Tensor) -> None:
            torch.maximum(most[name], inputs.abs().amax(0), out=most[name])

        with self.heard(add):
            self.outputs()
        return most

    def leaders(self) -> dict[str, str]:
        """Name for each linear layer the first one that gets the same inputs."""
        entered: list[tuple[str, Tensor]] = []
        with self.heard(lambda name, inputs: entered.append((name, inputs))):
            self.output(0)
        return {name: next(other for other, seen in entered if seen.shape == inputs.shape and torch.equal(seen, inputs))
                for name, inputs in entered}  # fmt: skip

    @contextmanager
    def heard(self, listener: Listener) -> Iterator[None]:
        """Let a listener hear what enters each linear layer, in float32."""

        def hear(name: str) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
            return lambda _, args: listener(name, args[0].float().flatten(0, -2))

        hooks = [linear.register_forward_pre_hook(hear(name)) for name, linear in self.linears.items()]
        yield
        for hook in hooks:
            hook.remove()


def _add_squares(totals: dict[str, Tensor], rows: Tensor | slice, name: str, inputs: Tensor) -> None:
    counted = inputs if re.fullmatch(OUTSIDE, name) else inputs[rows]
    totals[name].add_(counted.square().sum(0))


def _zeros(linear: nn.Linear, *shape: int) -> Tensor:
    return torch.zeros(shape, device=linear.weight.device)
