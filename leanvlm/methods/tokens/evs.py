"""EVS: of a video, keep what changes from one frame to the next, and the first frame.

Source:  Bagrov et al. 2025, arXiv 2510.14624: a token goes if it is what its place held one frame before.
Code:    github.com/vllm-project/vllm @ d750efb, vllm/multimodal/video_prune/evs.py (read, not copied): the first frame
         stays whole, whatever the budget.
Departs: the count is the budget's, rounded down without the slip of binary floats; tokens keep the positions that the
         whole video gives them, and the text after it too, where vLLM numbers it anew for Qwen2.5-VL. The text between
         frames stays. The newline after LLaVA-OneVision's videos goes first.
Checked: tests/methods/test_evs.py, the example of three frames worked by hand. Beside the code, on random videos: the
         same tokens in 988 of 1,000 draws, and in all with its own count.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity

from leanvlm.methods._method import top
from leanvlm.methods._tokens import VideoMethod, VisualTokens


@dataclass(frozen=True, kw_only=True)
class Method(VideoMethod):
    """Rank by dissimilarity; the first frame is above all, so no budget keeps less than it."""

    def least(self, n_patches: int, n_frames: int) -> int:
        """Count the patches of the first frame."""
        return n_patches // n_frames

    def choose(self, features: Tensor, tokens: VisualTokens, n: int) -> Tensor:
        """Choose the first frame and what changes most, ties to the earlier.

        Shapes: features (P, C) -> (n,) ascending.
        """
        frames = features.view(tokens.n_frames, -1, features.shape[-1])  # (frames, places, C)
        change = 1 - cosine_similarity(frames[1:], frames[:-1], dim=-1)  # (frames - 1, places)
        first = change.new_full(frames.shape[1:2], float("inf"))
        return top(torch.cat([first, change.flatten()]), n)
