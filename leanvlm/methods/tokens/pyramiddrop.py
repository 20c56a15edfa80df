"""PyramidDrop: at every quarter of the decoder's depth, keep the visual tokens that the prompt's last token attends to.

Source:  Xing et al. 2024, arXiv 2410.17247, section 3: stages of equal depth, each with the same share of the last.
Code:    github.com/Cooperx521/PyramidDrop @ 6444f30 (read, not copied): layers 8, 16 and 24 of 32; a stage is judged by
         its own first layer, of which the norm, the projections and the rotation run before it; mean over heads.
Departs: the budget is what the last stage leaves, so each stage keeps its cube root of what it gets; a half in the
         paper, which is a budget of 12.5 %. So a budget costs more here than FastV's, which drops once and early.
         Counts are rounded down, to one at least. Tokens keep their positions; the code numbers them anew at each
         stage. All pictures are ranked together, and each keeps its best token; the code takes one picture. Ties go to
         the earlier token. Decoders of other depths are cut into quarters, rounded down; stages that meet in a shallow
         one are one, with the lowest share.
Checked: tests/methods/test_pyramiddrop.py, an example of eight tokens over three stages; what a stage's layer attends
         to against transformers' eager attention. Beside the code @ 3f89f94, on random states: the same tokens at 750
         of 750 stages that get the same positions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from leanvlm.methods._signals import Signals
from leanvlm.methods._tokens import LayerMethod

QUARTERS = (1, 2, 3)  # of the depth, after which tokens are dropped; the paper's


@dataclass(frozen=True, kw_only=True)
class Method(LayerMethod):
    """Rank by the attention of the last token, in the layer that gets fewer."""

    judge: ClassVar[int] = 0

    def stages(self, n_layers: int) -> dict[int, float]:
        """Drop at each quarter of the depth, geometrically."""
        shares = [self.budget ** (quarter / len(QUARTERS)) for quarter in QUARTERS]
        return {max(1, n_layers * quarter // 4): share for quarter, share in zip(QUARTERS, shares, strict=True)}

    def score(self, signals: Signals, seen: Tensor | None) -> Tensor:  # noqa: ARG002
        """Average over heads.

        Shapes: -> (T,).
        """
        return signals.last_rows(1)[0].mean((0, 1))
