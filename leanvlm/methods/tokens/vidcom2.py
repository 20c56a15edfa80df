"""VidCom2: of a video, keep the tokens that are least like the video and least like their frame, more of rare frames.

Source:  Liu et al. 2025, arXiv 2505.14454: frames that stand out have a larger share; in each, tokens that stand out
         of the video and of the frame stay.
Code:    github.com/xuyang-liu16/VidCom2 @ 944a17d (read, not copied): likeness is a sum of five Gaussians around the
         mean, over the half of the channels that vary least. The exact total is that of
         github.com/vllm-project/vllm @ 0f17ee0, vllm/multimodal/video_prune/vidcom2.py (read, not copied).
Departs: the total is the budget's, rounded down without the slip of binary floats, however many frames there are; the
         authors' drifts from it, as they round frame by frame, and vLLM keeps as many tokens as there are frames at
         least. What a frame's share keeps is settled once more over all frames, as in vLLM, so that a frame may keep
         nothing. Scores are in float32; the code's are in the model's 16 bits. Ties go to the earlier token. The
         newline after LLaVA-OneVision's videos goes first; the code keeps LLaVA-Video's newlines and puts them behind
         their frame.
Checked: tests/methods/test_vidcom2.py, the example of two frames worked by hand, and loops over its formulas. Beside
         both codes, the authors' @ d31b156, on random videos in float32: the shares keep the same tokens in 900 of 900
         draws; once settled, 752 of 900 are vLLM's, and all with its own count.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize

from leanvlm.methods._method import top
from leanvlm.methods._tokens import VideoMethod, VisualTokens

WIDTHS = (1 / 8, 1 / 4, 1 / 2, 1, 2)  # variances of the Gaussians; the code's
TEMPERATURE = 0.01  # of the softmax over frames; the code's


@dataclass(frozen=True, kw_only=True)
class Method(VideoMethod):
    """Rank by likeness, frame by frame."""

    def choose(self, features: Tensor, tokens: VisualTokens, n: int) -> Tensor:
        """Choose each frame's share, then the best over all frames until there are `n`, those of the shares first.

        Shapes: features (P, C) -> (n,) ascending.
        """
        frames = steady(features).view(tokens.n_frames, len(features) // tokens.n_frames, -1)  # (frames, places, C / 2)
        frames = normalize(frames, dim=-1)
        to_video = likeness(frames, frames.mean((0, 1)))  # (frames, places)
        rank = -(to_video + likeness(frames, frames.mean(1, keepdim=True)))  # what is least alike comes first
        counts = shares(-to_video.mean(1), self.budget, n_places=frames.shape[1])
        is_kept = torch.zeros_like(rank, dtype=torch.bool)
        for frame, count in enumerate(counts):
            is_kept[frame, top(rank[frame], count)] = True
        order = rank.flatten().sort(descending=True, stable=True).indices
        order = order[is_kept.flatten()[order].int().sort(descending=True, stable=True).indices]
        return order[:n].sort().values  # the last of the shares go, or the first of the others come


def steady(features: Tensor) -> Tensor:
    """Keep the half of the channels that vary least, one at least.

    Shapes: (P, C) -> (P, C / 2).
    """
    channels = top(-features.var(0, correction=0), max(1, features.shape[1] // 2))
    return features[:, channels]


def likeness(tokens: Tensor, mean: Tensor) -> Tensor:
    """Sum Gaussians of the distance to a mean.

    Shapes: (..., C), and a mean that broadcasts to it -> (...).
    """
    squares = (tokens - mean).square().sum(-1)
    return torch.stack([(-squares / (2 * width)).exp() for width in WIDTHS]).sum(0)


def shares(strangeness: Tensor, budget: float, *, n_places: int) -> list[int]:
    """Count what each frame keeps: more than the budget where it is strange, from one to all.

    Shapes: (frames,) -> one a frame.
    """
    weights = ((strangeness - strangeness.max()) / TEMPERATURE).softmax(0)
    scales = (budget * (1 + weights - 1 / len(weights))).clamp(max=1)
    return [max(1, round(n_places * scale)) for scale in scales.tolist()]
