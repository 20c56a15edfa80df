"""CDPruner: keep tokens that differ from each other and that the question is about.

Source:  Zhang et al. 2025, arXiv 2506.10967: the most probable set of a determinantal point process whose kernel is the
         tokens' likeness, weighted by their relevance to the question, found greedily (Chen et al. 2018).
Code:    github.com/Theia-4869/CDPruner @ 9541616 (read, not copied): relevance is brought to 0 to 1, and a little
         more. `relevance=softened` is as in github.com/openvinotoolkit/openvino.genai @ 335d37e: exp(relevance / 2).
Departs: the code asks CLIP's text encoder what is relevant, which few models have beside them; here it is the mean
         cosine between a visual token and the embedded words after the last picture, the chat's suffix among them, as
         in OpenVINO's port. Without such words, or where all tokens are as relevant, all count the same, which is
         `relevance=none`; the code divides by zero. Each picture has its own range and choice over all its tiles; the
         code takes one range over a batch and as many tokens of each tile. Where the rest adds nothing but rounding
         noise, as from the features' width on, the most relevant fill up; the code takes tokens twice there, and so
         keeps fewer. Ties go to the earlier token. Row-end tokens, which no patch stands behind, go first.
Checked: tests/methods/test_cdpruner.py, the example of five tokens worked by hand, and determinants of the kernel.
         Beside the code @ ed9c12d, on random tokens and words: the same tokens in all 1,042 draws that ask for no more
         than the features are wide.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize

from leanvlm.methods._method import option, top
from leanvlm.methods._tokens import ChoosingMethod, VisualTokens

LEAST = 1e-6  # what is added to relevance, so that no token counts for nothing; the code's
NOISE = 1e-12  # share of the largest gain below which a gain is none
OFTEN = 64  # tokens after which it is asked whether any still gains
SOFTENING = 0.5  # theta / (2 (1 - theta)) for a theta of a half; the port's


@dataclass(frozen=True, kw_only=True)
class Method(ChoosingMethod):
    """Choose the set whose kernel has the largest determinant, token by token."""

    relevance: str = option(
        "words", choices=("words", "softened", "none")
    )  # to the words after the pictures, the same within e^(1/2), or nothing: diversity alone

    @property
    def reads_words(self) -> bool:
        """Say so where relevance to them counts."""
        return self.relevance != "none"

    def choose(self, features: Tensor, tokens: VisualTokens, n: int) -> Tensor:
        """Choose `n` tokens.

        Shapes: features (P, C) -> (n,) ascending.
        """
        directions = normalize(features.double(), dim=-1)
        weights = self._weights(directions, normalize(tokens.text.double(), dim=-1))  # (P,)
        likeness = (directions @ directions.T).fill_diagonal_(1)  # rounding would break ties
        chosen, _ = most_likely(weights[:, None] * likeness * weights, n)
        free = torch.ones_like(weights, dtype=torch.bool).index_fill(0, chosen, value=False).nonzero()[:, 0]
        filled = free[top(weights[free], n - len(chosen))]
        return torch.cat([chosen, filled]).sort().values

    def _weights(self, directions: Tensor, words: Tensor) -> Tensor:
        """Bring relevance to 0 to 1, or to 1 to e^(1/2).

        Shapes: directions (P, C), words (M, C) -> (P,).
        """
        equal = torch.ones_like(directions[:, 0])
        if self.relevance == "none" or not len(words):
            return equal
        weights = spread_out((directions @ words.T).mean(1))
        return weights if self.relevance == "words" else (SOFTENING * weights).exp()


def spread_out(relevance: Tensor) -> Tensor:
    """Bring numbers to 0 to 1, and a little more; equal ones to 1.

    Shapes: (P,) -> (P,).
    """
    least, most = relevance.min(), relevance.max()
    return torch.ones_like(relevance) if least == most else (relevance - least + LEAST) / (most - least)


def most_likely(kernel: Tensor, n: int) -> tuple[Tensor, Tensor]:
    """List `n` tokens, or as many as add more than noise, each with the largest gain, ties to the earlier.

    A token's gain is its squared distance, in the kernel's space, from all that those before it span; the product of
    the gains is the determinant of their part of the kernel. Shapes: (P, P) -> two of (n,) in order of choice, the
    indices and the gains.
    """
    gains = kernel.diagonal().clone()  # (P,)
    least = NOISE * gains.max()
    spanned = kernel.new_zeros(n, len(kernel))
    chosen, gained = list[Tensor](), list[Tensor]()
    for place in range(n):
        if place % OFTEN == 0 and gains.max() <= least:  # a look waits for the device
            break
        best = gains.argmax(keepdim=True)  # (1,)
        chosen.append(best)
        gained.append(gains[best])
        along = kernel[best][0] - spanned[:place, best][:, 0] @ spanned[:place]  # (P,)
        spanned[place] = along / gained[-1].sqrt()
        gains -= spanned[place].square()
        gains[best] = float("-inf")
    order, gain = torch.cat(chosen), torch.cat(gained)
    n_real = int((gain > least).cumprod(0).sum())
    return order[:n_real], gain[:n_real]
