"""Patch labels as decoder inputs: what a perfect tower would say, for training the decoder beside the tower."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedTokenizerFast

from leanvlm.benchmarks._canvas import CHANNELS, COLOR_IDS, FIELDS, GLYPHS, KIND_IDS, TILE

SIZES = tuple(CHANNELS.values())


class LabelEmbedding(nn.Module):
    """Sum of one vector per label channel, plus the patch's row and column in its tile.

    What has a name in questions and answers (a glyph, a colour, a kind, a field) has the decoder's own vector of that
    word, so that finding is matching and reading is copying: both are learnt once for all words.
    """

    def __init__(self, words: nn.Embedding, tokenizer: PreTrainedTokenizerFast) -> None:
        super().__init__()
        ids: Any = tokenizer.convert_tokens_to_ids  # typed as if a list of tokens could have one id
        named = {
            "glyph": list(GLYPHS),
            "color": _words(COLOR_IDS),
            "kind": _words(KIND_IDS),
            "field": _words(FIELDS),
        }
        self._words = [words]  # in a list: the decoder's parameter, not this module's
        self._ids = {name: torch.tensor([0, *ids(vocabulary)]) for name, vocabulary in named.items()}
        width = words.embedding_dim
        self.tables = nn.ModuleDict(
            {name: nn.Embedding(size, width) for name, size in CHANNELS.items() if name not in named}
        )
        self.rows, self.columns = nn.Embedding(TILE, width), nn.Embedding(TILE, width)
        for table in (*self.tables.values(), self.rows, self.columns):
            nn.init.normal_(table.weight, std=words.weight.std().item())  # type: ignore[arg-type]

    def forward(self, labels: Tensor) -> Tensor:
        """Shapes: labels (N, tokens, channels) -> (N, tokens, C)."""
        patch = torch.arange(labels.shape[1])
        place: Tensor = self.rows(patch // TILE) + self.columns(patch % TILE)
        total = place.expand(len(labels), -1, -1)
        for channel, name in enumerate(CHANNELS):
            label = labels[..., channel]
            vector = self._words[0](self._ids[name][label]) if name in self._ids else self.tables[name](label)
            total = total + vector * (label > 0)[..., None]
        return total


def _words(names: Iterable[str]) -> list[str]:
    return [f" {name}" for name in names]


class LabelHeads(nn.Module):
    """Read every label channel off the tower's features."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.channels = nn.ModuleList(nn.Linear(width, size) for size in SIZES)

    def loss(self, features: Tensor, labels: Tensor) -> Tensor:
        """Mean cross-entropy; a labelled patch weighs ten times a blank one.

        Shapes: features (N, tokens, C), labels (N, tokens, channels) -> ().
        """
        weight = torch.where(labels.any(-1), 1.0, 0.1).flatten()
        losses = [
            nn.functional.cross_entropy(
                head(features).float().flatten(0, 1), labels[..., i].flatten(), reduction="none"
            )
            for i, head in enumerate(self.channels)
        ]
        return (torch.stack(losses).sum(0) * weight).sum() / weight.sum()

    @torch.no_grad()
    def accuracy(self, features: Tensor, labels: Tensor) -> list[float]:
        """Share of labelled patches read right, per channel."""
        shares = []
        for i, head in enumerate(self.channels):
            there = labels[..., i] > 0
            right = head(features).argmax(-1) == labels[..., i]
            shares.append(right[there].float().mean().item())
        return shares
