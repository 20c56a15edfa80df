"""What a method may know of a decoder layer when the prompt has been read, and how it says in advance what it needs.

A method declares its `Wanted`; the engine computes the union of what all recipes of a sweep want, once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

MOST_ROWS = 64  # of attention that are computed at once for a method: never as many as the prompt is long


@dataclass(frozen=True)
class Wanted:
    """Signals of each layer: the attention rows of the last `rows` queries, and the columns' sums over all rows.

    And what each key receives at most from the pictures when they are `repeated` behind themselves.
    """

    rows: int = 0
    sums: bool = False
    repeated: bool = False

    def __or__(self, other: Wanted) -> Wanted:
        """Want both."""
        return Wanted(max(self.rows, other.rows), self.sums or other.sums, self.repeated or other.repeated)


@dataclass(frozen=True)
class Signals:
    """What one layer knows when the prompt has been read.

    Shapes: keys (B, G, T, D) after rotation; queries (B, H, w, D), the last w of the prompt, at least the rows that
    were wanted; sums (B, G, T), the softmax attention that each key received from all rows, a mean over the heads that
    share a key head, None unless wanted; is_visual (T,); hidden (B, 1, w, T), what those queries do not see, None for
    plain causal attention; repeated (B, G, T), the most that each key received from a row of the repeated pictures, of
    all heads that share a key head, None unless wanted; entering (T, C), what is about to enter a layer that drops
    tokens, after the decoder's final norm, None elsewhere. The attention scale is `scaling`; `layer` of `n_layers`
    counts the layers that attend.
    """

    keys: Tensor
    queries: Tensor
    sums: Tensor | None
    is_visual: Tensor
    scaling: float
    layer: int
    n_layers: int
    generator: torch.Generator
    hidden: Tensor | None = None
    entering: Tensor | None = None
    repeated: Tensor | None = None

    @property
    def n_tokens(self) -> int:
        """Count the positions that this layer received."""
        return self.keys.shape[2]

    def logits(self, w: int) -> Tensor:
        """Return what the softmax of the last `w` queries is taken of.

        Shapes: -> (B, H, w, T), float32; -inf where a query does not see a key.
        """
        return self._logits(w, w)

    def rows_by_head(self, w: int) -> Tensor:
        """Return the softmax attention of the last `w` queries.

        Shapes: -> (B, H, w, T), float32.
        """
        return self._rows(w, w)

    def blocks(self, w: int) -> Iterator[Tensor]:
        """Yield the softmax attention of the last `w` queries in order, MOST_ROWS or what is left of them at a time.

        Shapes: -> (B, H, rows, T), float32.
        """
        for left in range(w, 0, -MOST_ROWS):
            yield self._rows(left, min(left, MOST_ROWS))

    def _rows(self, first: int, n: int) -> Tensor:
        """Return the softmax attention of `n` queries, the first of which is the `first` from the end."""
        return self._logits(first, n).softmax(-1)

    def _logits(self, first: int, n: int) -> Tensor:
        batch, groups, tokens, _ = self.keys.shape
        queries = self.queries[:, :, -first:][:, :, :n].float()
        split = queries.unflatten(1, (groups, -1))  # type: ignore[no-untyped-call]
        shared: Tensor = split.flatten(2, 3)  # (B, G, H/G * n, D)
        logits = shared @ self.keys.float().transpose(-1, -2) * self.scaling
        index = torch.arange(tokens, device=logits.device)
        is_later = index > index[-first:][:n, None]  # (n, T): a query does not see later keys
        unseen = is_later if self.hidden is None else self.hidden[:, :, -first:][:, :, :n]
        return logits.view(batch, -1, n, tokens).masked_fill(unseen, float("-inf"))

    def last_rows(self, w: int) -> Tensor:
        """Return the attention of the last `w` queries, averaged over the heads that share a key head.

        Shapes: -> (B, G, w, T), float32.
        """
        rows = self.rows_by_head(w)
        grouped: Tensor = rows.unflatten(1, (self.keys.shape[1], -1))  # type: ignore[no-untyped-call]
        return grouped.mean(2)

    def column_sums(self) -> Tensor:
        """Return `sums`, which the method must have wanted.

        Shapes: -> (B, G, T), float32.
        """
        assert self.sums is not None, "a method that reads column sums says so in `wants`"
        return self.sums

    def states(self) -> Tensor:
        """Return `entering`, which is known where tokens are dropped.

        Shapes: -> (T, C), float32.
        """
        assert self.entering is not None, "only a method that drops tokens inside the decoder reads states"
        return self.entering.float()

    def most_repeated(self) -> Tensor:
        """Return `repeated`, which the method must have wanted.

        Shapes: -> (B, G, T), float32.
        """
        assert self.repeated is not None, "a method that reads a repetition says so in `wants`"
        return self.repeated


def context(is_visual: Tensor) -> tuple[int, int]:
    """Say where the pictures begin and end, with the text between them; without pictures, the whole prompt does."""
    visual = is_visual.nonzero()[:, 0]
    return (int(visual[0]), int(visual[-1]) + 1) if len(visual) else (0, len(is_visual))


def n_after_vision(is_visual: Tensor, *, most: int = MOST_ROWS) -> int:
    """Count the tokens after the last visual one, from one to `most`; a prompt without pictures has many."""
    visual = is_visual.nonzero()[:, 0]
    last = int(visual[-1]) if len(visual) else -1
    return min(most, max(1, len(is_visual) - 1 - last))
