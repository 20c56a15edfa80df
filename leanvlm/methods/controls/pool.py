"""pool: average neighbouring visual tokens, the plainest way to merge them.

Source:  a control: average pooling, which several vision-language models train with; it asks no one what matters.
Departs: pools along the reading order, not in two dimensions, since a picture cut into tiles has no single grid; so a
         group may join the end of one row to the start of the next, or of one tile to the next. Groups do not overlap:
         where the count does not divide, their lengths differ by one, while adaptive pooling lets them share a token.
         Row-end tokens are averaged like the others. The average stays at the middle position of its group.
Checked: tests/methods/test_pool.py: PyTorch's adaptive pooling where groups are equal, plain means where not.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from leanvlm.methods._tokens import EntranceMethod, VisualTokens


@dataclass(frozen=True, kw_only=True)
class Method(EntranceMethod):
    """Average runs of neighbours."""

    def reduce(self, tokens: VisualTokens, n: int) -> tuple[Tensor, Tensor]:
        """Cut the tokens into `n` runs of nearly equal length and average each.

        Shapes: -> index (n,) ascending, features (n, C).
        """
        features = tokens.features
        if n == len(features):  # runs of one token
            return torch.arange(n, device=features.device), features
        bounds = torch.arange(n + 1, device=features.device) * len(features) // n  # (n + 1,)
        starts, ends = bounds[:-1], bounds[1:]
        position = torch.arange(len(features), device=features.device)
        is_member = (position >= starts[:, None]) & (position < ends[:, None])  # (n, N)
        sums = is_member.float() @ features.float()
        return (starts + ends - 1) // 2, (sums / (ends - starts)[:, None]).to(features.dtype)
