"""Trimmed Llama: keep the visual tokens that some head of the first cross-attention layer looks at most.

Source:  Lee et al. 2025, arXiv 2504.00557: each head of the first cross-attention block picks its top-k image features;
         their union goes to the cross-attention layers after it, which make keys and values of nothing else.
Departs: the budget fixes how many stay of each picture; the paper fixes k, so that the count follows from how far the
         heads agree. Here k grows until there are enough: a token's rank is its best place in any head's order, and
         within a rank the token that a head pays most to goes first. No code is published, and what a head pays is not
         said further: here it is the mean over all words that see the picture, head by head, also where heads share
         keys. The first layer holds all tokens, as it has looked at all; the budget counts those that the layers after
         it get. What fills a picture up to the most tiles is no token; only words before it can see that, and it goes
         with the first token that goes.
Checked: tests/methods/test_trimmed.py: a five-token example worked by hand, the plain union of every head's top-k, and
         answers of transformers' own `generate` with the dropped tokens hidden from the layers after the first.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from leanvlm.methods._tokens import CrossMethod


@dataclass(frozen=True, kw_only=True)
class Method(CrossMethod):
    """Rank by the best place in any head's order."""

    def choose(self, received: Tensor, n: int) -> Tensor:
        """Choose `n` of an image's tokens; ties go to what a head pays most to, then to the earlier.

        Shapes: received (H, N) -> (n,) ascending.
        """
        order = received.sort(dim=1, descending=True, stable=True).indices  # (H, N)
        best = order.argsort(dim=1).amin(0)  # (N,), 0 where some head pays most
        by_weight = received.amax(0).sort(descending=True, stable=True).indices  # (N,)
        return by_weight[best[by_weight].sort(stable=True).indices][:n].sort().values
