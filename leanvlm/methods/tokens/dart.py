"""DART: from an early decoder layer on, keep a few pivots and the visual tokens that are least like any of them.

Source:  Wen et al. 2025, arXiv 2502.11494: duplication matters, not importance; pivots by the size of their keys.
Code:    github.com/xqy1111111/DART @ 0247657, a copy of the authors' (read, not copied): four visual and four text
         pivots, at layer 2; likeness is the cosine of what enters it, after the decoder's final norm.
Departs: the budget fixes the count, pivots included; the code keeps four more than it is asked to. What does not
         divide by the pivots goes to the first of them. Pivots take turns as they stand in the prompt, visual ones
         first; the code's order is that of a hash. A key's size is over all its heads, after rotation; the code mixes
         heads and tokens where attention has another layout. Text pivots stand behind the last picture, if there are
         any. All pictures are one choice, but one that would go wholly keeps its first token in place of one of the
         last that were taken. Ties go to the earlier token.
Checked: tests/methods/test_dart.py, the example of eight tokens worked by hand. Beside the code, on random states and
         keys of one head: the same tokens in 391 of 391 draws where pivots take turns as they do here, and in 310 of
         393 in its own order.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize

from leanvlm.methods._method import n_keep, option, top
from leanvlm.methods._signals import Signals, Wanted
from leanvlm.methods._tokens import LayerMethod


@dataclass(frozen=True, kw_only=True)
class Method(LayerMethod):
    """Rank by the order in which pivots take what is least like them."""

    layer: int = option(2, least=1)  # first decoder layer that gets fewer tokens, counted from 0
    visual: int = option(4, least=1)  # visual pivots, which stay
    text: int = option(4, least=0)  # text pivots, which only choose

    def stages(self, n_layers: int) -> dict[int, float]:  # noqa: ARG002
        """Drop once."""
        return {self.layer: self.budget}

    def wants(self, is_visual: Tensor) -> Wanted:  # noqa: ARG002
        """Ask for keys and states alone."""
        return Wanted()

    def score(self, signals: Signals, seen: Tensor | None) -> Tensor:  # noqa: ARG002
        """Score higher what is chosen earlier.

        Shapes: -> (T,).
        """
        visual = signals.is_visual.nonzero()[:, 0]
        chosen = visual[self._choose(signals, visual, n_keep(len(visual), self.budget))]
        scores = signals.states().new_zeros(signals.n_tokens)
        return scores.index_copy(0, chosen, torch.arange(len(chosen), 0, -1, device=chosen.device).to(scores))

    def _choose(self, signals: Signals, visual: Tensor, n: int) -> Tensor:
        """List `n` visual tokens in order of choice, the pivots first.

        Shapes: visual (N,) -> (n,), counted among them.
        """
        sizes = signals.keys[0].float().abs().sum((0, 2))  # (T,)
        own = top(sizes[visual], min(n, self.visual))
        after = torch.arange(int(visual[-1]) + 1, signals.n_tokens, device=visual.device)
        pivots = torch.cat([visual[own], after[top(sizes[after], self.text)]])
        directions = normalize(signals.states(), dim=-1)
        likeness = directions[pivots] @ directions[visual].T  # (pivots, N)
        return torch.cat([own, unlike(likeness, own, n - len(own))])


def unlike(likeness: Tensor, own: Tensor, n: int) -> Tensor:
    """Let pivots take in turn what is least like them, `n` in all, in equal parts, the first ones more.

    Shapes: likeness (pivots, N), own, the pivots' own places -> (n,) in order of turns.
    """
    free = -likeness.index_fill(1, own, float("inf"))
    taken = own[:0]
    for turn, row in enumerate(free):
        part = n // len(free) + (turn < n % len(free))
        taken = torch.cat([taken, top(row.index_fill(0, taken, float("-inf")), part)])
    return taken
