"""FastV: from an early decoder layer on, keep the visual tokens that the prompt's last token attends to.

Source:  Chen et al. 2024, arXiv 2403.06764, section 4: rank at layer K by received attention, drop the rest.
Code:    github.com/pkunlp-icler/FastV @ d165972 (read, not copied): the score is the last row of layer K - 1.
Departs: only visual tokens are dropped, text between images never, and each image keeps its best token; the code treats
         the span from the first to the last visual token as image. The count is rounded down, to one at least, as all
         budgets are; the code rounds it to the nearest, or is told it. Decided once, after the prompt, as with its
         key-value cache. `rows=all` is EffiVLM-Bench's variant, a mean over all rows, which favours early tokens;
         `rows=text` averages over the rows after the last visual token. `sinks` keeps that share of the budget for the
         tokens that the vision tower itself looks at (EffiVLM-Bench's finding on visual sinks).
Checked: tests/methods/test_fastv.py, the eight-token example worked by hand.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from leanvlm.methods._method import n_keep, n_share, option, top
from leanvlm.methods._signals import Signals, Wanted, n_after_vision
from leanvlm.methods._tokens import EncoderSignal, LayerMethod

ROWS = ("last", "text", "all")


@dataclass(frozen=True, kw_only=True)
class Method(LayerMethod):
    """Rank by the attention that a visual token receives."""

    layer: int = option(2, least=1)  # first decoder layer that gets fewer tokens, counted from 0
    rows: str = option(
        "last", choices=ROWS
    )  # whose attention counts: of the last token, of the text after the pictures, or of all tokens
    sinks: float = option(0.0, least=0, most=1)  # share of the kept tokens that the vision tower chooses

    @property
    def encoder(self) -> EncoderSignal | None:
        """Ask for the vision tower's attention if it has a say."""
        return EncoderSignal() if self.sinks else None

    def stages(self, n_layers: int) -> dict[int, float]:  # noqa: ARG002
        """Drop once."""
        return {self.layer: self.budget}

    def wants(self, is_visual: Tensor) -> Wanted:
        """Ask for the rows that count."""
        return Wanted(rows=n_after_vision(is_visual) if self.rows == "text" else 1, sums=self.rows == "all")

    def score(self, signals: Signals, seen: Tensor | None) -> Tensor:
        """Average over rows and heads; protected tokens come first.

        Shapes: -> (T,).
        """
        scores = self._received(signals)
        if seen is not None:
            visual = signals.is_visual.nonzero()[:, 0]
            n = n_share(n_keep(len(visual), self.budget), self.sinks)
            scores[visual[top(seen, n)]] = float("inf")
        return scores

    def _received(self, signals: Signals) -> Tensor:
        if self.rows == "all":
            return signals.column_sums()[0].mean(0) / signals.n_tokens
        return signals.last_rows(n_after_vision(signals.is_visual) if self.rows == "text" else 1)[0].mean((0, 1))
