"""SnapKV: keep the prompt positions that the last queries attend to.

Source:  Li et al. 2024, arXiv 2404.14469, section 4: a window of queries at the prompt's end votes, votes are pooled.
Code:    github.com/FasterDecoding/SnapKV @ e216ddc, snapkv_utils.py (read, not copied).
Departs: votes are averaged over the query heads that share a key head; the paper has no such groups. The window is
         at most half of what is kept: a longer one leaves no room for votes, and every method becomes "recent only".
         `window_share` is EffiVLM-Bench's variant: the window is that share of the kept positions (there 0.1).
Checked: tests/methods/test_snapkv.py, the ten-token fixture, pooled and not.
"""

from __future__ import annotations

from dataclasses import dataclass

from leanvlm.methods._cache import VotingMethod


@dataclass(frozen=True, kw_only=True)
class Method(VotingMethod):
    """Let the window vote, every layer keeping as much: the rule is VotingMethod, which PyramidKV shares."""
