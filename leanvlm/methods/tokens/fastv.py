"""FastV: from an early decoder layer on, keep the visual tokens that the prompt's last token attends to.

Source:  Chen et al. 2024, arXiv 2403.06764, section 4: rank at layer K by received attention, drop the rest.
Code:    github.com/pkunlp-icler/FastV @ d165972 (read, not copied): the score is the last row of layer K - 1.
Departs: only visual tokens are dropped, text between images never; the code treats the span from the first to the last
         visual token as image. Decided once, after the prompt, as with its key-value cache.
         EffiVLM-Bench averages over all rows, which favours early tokens.
Checked: tests/methods/test_fastv.py, the eight-token example worked by hand.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from leanvlm.methods._tokens import LayerMethod


@dataclass(frozen=True, kw_only=True)
class Method(LayerMethod):
    """Rank by the last token's attention."""

    def score(self, row: Tensor, is_visual: Tensor) -> Tensor:  # noqa: ARG002
        """Average the last row over heads.

        Shapes: row (H, T) -> (T,).
        """
        return row.mean(0)
