"""ECoFLaP: a decoder layer keeps the more weights, the more the loss moves when its weights are shaken.

Source:  Sung et al. 2024, arXiv 2310.02998, section 3: the zeroth-order estimate of a layer's importance, then
         Wanda, or SparseGPT, with a share of its own in each decoder layer. EffiVLM-Bench calls it EcoFLAP.
Code:    github.com/ylsung/ECoFLaP @ fc84d4d, layer_single_base_pruner.py (read, not copied).
Departs: only the decoder's layers are groups, as in EffiVLM-Bench. The loss is that of the answer and its end, as
         the authors' is of the caption, not of the question. 8 samples shake the weights, where the authors take
         32 to 128. Weights come back from a copy, not by adding the noise again; the parameters that rounding up
         shared out too many are taken away, where the authors' code adds them. `slack` 0.1 is the authors' for
         images and text, whose largest sparsity is 0.1 above the mean; 0.4 at 50% is EffiVLM-Bench's. The counts
         are exact with Wanda; SparseGPT takes one weight a block of 128 columns more.
Checked: tests/methods/test_ecoflap.py: three allocations worked by hand, gradients that autograd knows, and a
         layer that the loss does not depend on keeps least.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

import torch
from torch import Tensor, nn

from leanvlm.errors import InputError
from leanvlm.methods._method import option
from leanvlm.methods.weights import sparsegpt, wanda
from leanvlm.methods.weights._allocation import AllocatingMethod, layer_sizes, per_linear
from leanvlm.methods.weights._block import Block
from leanvlm.methods.weights._decoder import Decoder
from leanvlm.methods.weights._layers import decoder_linears

PRUNERS = ("wanda", "sparsegpt")


@dataclass(frozen=True, kw_only=True)
class Method(AllocatingMethod):
    """Share out by importance, then prune."""

    prune: str = option("wanda", choices=PRUNERS)  # what prunes each layer: wanda or sparsegpt
    slack: float = option(0.1, least=0.01, most=1)  # no decoder layer keeps less than the share asked minus this
    samples: int = option(8, least=1)  # how many calibration samples measure the importance
    noises: int = option(1, least=1)  # draws of noise per sample and linear layer
    step: float = option(1e-3, least=1e-6, most=1)  # standard deviation of the noise, in units of a weight
    seed: int = option(0, least=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.prune == "sparsegpt" and self.tokens != "all":
            raise InputError(
                "weights/ecoflap with prune=sparsegpt counts all tokens' inputs; leave out tokens, or use wanda"
            )

    def compress(self, decoder: Decoder) -> None:
        """Shake one linear layer after the other, share out, and prune."""
        sizes = layer_sizes(decoder.model)
        least = max(Fraction(0), self.share() - Fraction(self.slack))
        kept = allocate(self.importance(decoder), sizes, total=self.total(sizes), least=least)
        if self.prune == "wanda":
            wanda.prune_unevenly(decoder, kept, tokens=self.tokens)
        else:
            counts, linears = per_linear(decoder.model, kept), decoder_linears(decoder.model)
            sparsegpt.prune_to(decoder, {name: 1 - counts[name] / linears[name].weight.numel() for name in linears})

    def importance(self, decoder: Decoder) -> list[float]:
        """Measure each decoder layer: the sum over its linear layers of how steep the loss is along noise.

        Raises: InputError for a type too coarse for the noise.
        """
        if decoder.place.dtype != torch.float32:
            raise InputError("weights/ecoflap shakes weights by less than 16 bits hold; set compress.dtype to float32")
        generator = torch.Generator().manual_seed(self.seed)
        return [
            sum(self._slope(decoder, block, linear, generator) for linear in block.linears.values())
            for block in decoder.look()
        ]

    @torch.no_grad()
    def _slope(self, decoder: Decoder, block: Block, linear: nn.Linear, generator: torch.Generator) -> float:
        """Sum |loss(weight + noise) - loss(weight - noise)| / (2 x step) over samples and draws."""
        before, shaken = linear.weight.clone(), list[Tensor]()
        asked = [index for index in range(len(block.samples[: self.samples])) for _ in range(self.noises)]
        for index in asked:
            noise = self.step * torch.randn(before.shape, generator=generator).to(before.device)
            for weight in (before + noise, before - noise):
                linear.weight.copy_(weight)
                shaken.append(block.output(index))
        linear.weight.copy_(before)
        losses = _losses(decoder, block, shaken, [index for index in asked for _ in range(2)])
        return sum(abs(up - down) / (2 * self.step) for up, down in zip(losses[::2], losses[1::2], strict=True))


def _losses(decoder: Decoder, block: Block, states: list[Tensor], indices: list[int]) -> list[float]:
    """Go on from what left a layer to the loss of each answer."""
    samples = [block.samples[index] for index in indices]
    left = decoder.onward(states, samples, block.index)
    return [answer_loss(decoder, state, sample.answer) for state, sample in zip(left, samples, strict=True)]


def answer_loss(decoder: Decoder, state: Tensor, answer: Tensor) -> float:
    """Compute the mean cross-entropy of an answer's tokens and its end, in nats.

    Shapes: state, what left the last layer, (1, T, C); answer (n,), the last n of T.
    """
    (logits,) = decoder.logits([state], len(answer) + 1)
    return float(nn.functional.cross_entropy(logits[:-1].double(), answer.to(logits.device)))


def allocate(scores: Sequence[float], sizes: Sequence[int], *, total: int, least: Fraction) -> list[int]:
    """Share out `total` weights by score; no layer keeps less than the share `least`, or more than it has."""
    floors = [ceil(n * least) for n in sizes]
    kept, active = list(floors), [Fraction(score) for score in scores]
    while (rest := total - sum(kept)) > 0:
        room = [n - k for n, k in zip(sizes, kept, strict=True)]
        weights = active if any(active) else [Fraction(n) for n in room]  # no score is left: by room
        added = [ceil(weight / sum(weights) * rest) for weight in weights]
        kept = [min(n, k + more) for n, k, more in zip(sizes, kept, added, strict=True)]
        active = [Fraction(0) if k == n else score for n, k, score in zip(sizes, kept, active, strict=True)]
    for index in sorted(range(len(kept)), key=lambda index: -kept[index]):  # the largest first
        kept[index] -= min(sum(kept) - total, kept[index] - floors[index])
    return kept
