"""DivPrune: keep tokens that differ from each other most, whatever they show and whatever is asked.

Source:  Alvar et al. 2025, arXiv 2503.02175: the max-min diversity problem over cosine distances, solved greedily.
Code:    github.com/vbdi/divprune @ 799e2d9 (read, not copied): at the decoder's entrance, on projected features; the
         first token is the one whose nearest other token is farthest.
Departs: the count is rounded down, to one at least; the code rounds to the nearest, and may keep none. Every picture
         has its own choice; the code prunes a prompt's first one. A chosen token cannot be chosen again, as it can in
         the code where only duplicates are left. Kept tokens stay at their positions; the code numbers them anew. Ties
         go to the earlier token. All tiles of an image are one choice. Row-end tokens, which no patch stands behind, go
         first; the code compares them like the others.
Checked: tests/methods/test_divprune.py, the example of six angles worked by hand, and all sets of a few points. Beside
         a copy of the code's own search, on random tokens: the same order in all 676 draws that ask for no more tokens
         than are distinct.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize

from leanvlm.methods._tokens import ChoosingMethod, VisualTokens


@dataclass(frozen=True, kw_only=True)
class Method(ChoosingMethod):
    """Choose by distance alone."""

    def choose(self, features: Tensor, tokens: VisualTokens, n: int) -> Tensor:  # noqa: ARG002
        """Choose the first `n` in the order of the greedy search.

        Shapes: features (P, C) -> (n,) ascending.
        """
        return farthest(features, n).sort().values


def farthest(features: Tensor, n: int) -> Tensor:
    """List `n` tokens, each as far as can be from all that were listed before it, ties to the earlier.

    Shapes: (P, C) -> (n,) in order of choice.
    """
    directions = normalize(features, dim=-1)
    distances = (1 - directions @ directions.T).fill_diagonal_(float("inf"))  # (P, P)
    best = distances.amin(1).argmax(keepdim=True)  # (1,): it stays on the device, which nobody waits for
    chosen, nearest = [best], distances[best][0].clone()  # (P,), to the nearest that was chosen
    while len(chosen) < n:
        nearest[best] = float("-inf")
        best = nearest.argmax(keepdim=True)
        chosen.append(best)
        nearest = nearest.minimum(distances[best][0])
    return torch.cat(chosen)
