"""KVzip: keep what the model needs to say its pictures again, whatever will be asked about them.

Source:  Kim et al. 2025, arXiv 2505.23416: the context is repeated behind itself, and a cached pair is worth the most
         attention that it receives from the repetition; one ranking over all layers and heads.
Code:    github.com/snu-mllab/KVzip @ 5d84729, attention/score.py and model/wrapper.py (read, not copied).
Departs: paper and code repeat text. Here what entered the decoder from the first picture to the last is read again,
         pictures as the encoder left them and the text between them, without a sentence that asks for it, and whole;
         the code repeats 2,000 tokens at a time. That costs about two more reads of the pictures, since the first is
         not taken from the cache. No question is read, so none decides; the prompt's other text stays in every head as
         long as the budget holds it, what stands behind the pictures before what stands in front. A prompt without
         pictures is repeated whole, its question too. The count is exact, ties to the earlier; the code keeps one less
         than asked, and fewer where scores tie. With `level` uniform all heads keep as many (the code's pair-uniform);
         its "head" level, which needs samples, is left out. Scores are in float32.
Checked: tests/methods/test_kvzip.py, rankings worked by hand; a repetition read by transformers' eager attention, on
         every architecture; another question changes no score. Beside the code @ 4c2ed0f, on random keys and queries:
         scores within 3e-7 in 200 draws, and the same pairs, but for ties, in all 1,000 draws with its count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from leanvlm.methods._cache import CacheMethod, always_keep
from leanvlm.methods._method import option, top
from leanvlm.methods._signals import Signals, Wanted, context


@dataclass(frozen=True, kw_only=True)
class Method(CacheMethod):
    """Score by what the repeated pictures attend to."""

    rereads: ClassVar[bool] = True
    level: str = option("pair", choices=("pair", "uniform"))  # whether layers and heads share unevenly, or not

    def wants(self, is_visual: Tensor) -> Wanted:  # noqa: ARG002
        """Ask for the repetition."""
        return Wanted(repeated=True)

    def score(self, signals: Signals, n: int) -> Tensor:  # noqa: ARG002
        """Score by the most attention; text around the pictures comes before all that can be attended to.

        Shapes: -> (B, G, T).
        """
        first, end = context(signals.is_visual)
        scores = signals.most_repeated().clone()
        order = torch.arange(signals.n_tokens, device=scores.device) / signals.n_tokens  # below 1
        scores[..., end:] = 3 + order[end:]
        scores[..., :first] = 2 - order[:first]
        return always_keep(scores, last=1)

    def per_head(self, scores: Sequence[Tensor], counts: Sequence[int]) -> list[list[int]]:
        """Rank all heads of all layers together.

        Shapes: scores, one (1, G, T) per layer.
        """
        if self.level == "uniform":
            return super().per_head(scores, counts)
        heads = [
            own.cpu() for of_layer in scores for own in of_layer[0]
        ]  # each (T,); layers may lie on several devices
        total = sum(of_layer.shape[1] * n for of_layer, n in zip(scores, counts, strict=True))
        owner = torch.repeat_interleave(torch.tensor([len(own) for own in heads]))
        found = iter(torch.bincount(owner[top(torch.cat(heads), total)], minlength=len(heads)).tolist())
        return [[next(found) for _ in of_layer[0]] for of_layer in scores]
