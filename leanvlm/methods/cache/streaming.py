"""StreamingLLM: keep the first few positions, on which attention rests, and the most recent ones.

Source:  Xiao et al. 2023, arXiv 2309.17453, section 3.2: four initial tokens ("sinks") and a sliding window.
Code:    github.com/mit-han-lab/streaming-llm @ 2e50426 (read, not copied).
Departs: evicts once, after the prompt, and keys keep their true positions; the paper evicts at each step and
         renumbers. Where a budget keeps fewer positions than `sinks` + 1, the last position stays and sinks give way.
         `sink_share` is EffiVLM-Bench's variant: that share of the budget goes to the prompt's start (there 0.9).
Checked: tests/methods/test_streaming.py, the ten-token fixture.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from leanvlm.methods._cache import CacheMethod, always_keep
from leanvlm.methods._method import n_share, option
from leanvlm.methods._signals import Signals


@dataclass(frozen=True, kw_only=True)
class Method(CacheMethod):
    """Keep both ends of the prompt."""

    sinks: int = option(4, least=0)  # positions kept at the prompt's start
    sink_share: float = option(0.0, least=0, most=1)  # if above 0, replaces `sinks`: a share of the kept positions

    def score(self, signals: Signals, n: int) -> Tensor:
        """Score by recency; sinks must stay.

        Shapes: -> (B, G, T).
        """
        wanted = n - max(1, n_share(n, 1 - self.sink_share)) if self.sink_share else self.sinks
        recency = torch.arange(signals.n_tokens, device=signals.keys.device).float()
        return always_keep(recency.expand(signals.keys.shape[:3]), first=min(wanted, n - 1))
