"""random_tokens: keep visual tokens at random.

Source:  a control: the floor that every clever token method has to beat (UniPruneBench, 2025, finds that some do not).
Departs: nothing. Drawn per image without replacement, before the decoder; kept tokens keep their order and position.
Checked: tests/methods/test_controls.py: same seed, same tokens; every token is kept equally often.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from leanvlm.methods._method import SeededMethod
from leanvlm.methods._tokens import EntranceMethod, VisualTokens


@dataclass(frozen=True, kw_only=True)
class Method(EntranceMethod, SeededMethod):
    """Choose at random."""

    def reduce(self, tokens: VisualTokens, n: int) -> tuple[Tensor, Tensor]:
        """Choose `n` tokens at random."""
        order = torch.randperm(len(tokens.features), generator=tokens.generator)
        index = order[:n].sort().values.to(tokens.features.device)
        return index, tokens.features[index]
