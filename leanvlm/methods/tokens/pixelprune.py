"""PixelPrune: before the vision tower, leave out patches that repeat a neighbour.

Source:  Wang et al. 2026, arXiv 2604.00886: predict each patch from those to the left and above, as lossless image
         codecs do, and keep those that are not as predicted; nothing is lost at tau = 0.
Code:    github.com/OPPO-Mente-Lab/PixelPrune @ a870e31 (read, not copied): units are the patches that become one token,
         the largest difference of their values counts, and predictions follow what was predicted, not what was there.
Departs: `tau` is in grey levels of 255; the code's is a share of the range, by the mean and deviation of one model. A
         video's frames, which the tower takes in pairs, are each a picture, where the code takes pictures alone. The
         tower's patch embedding is spared too. Only Qwen's towers can be shown a part of their patches. There is no
         budget: the picture says how much is kept, and `visual_tokens_kept` tells.
Checked: tests/methods/test_pixelprune.py, grids worked by hand, pictures drawn again from what was kept, and towers
         whose patches do not see those that were left out. Beside the code @ 0bf89f3: the same tokens of 1,000 random
         grids, and of 600 pictures from the processors of two models.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor

from leanvlm.methods._image import PatchMethod
from leanvlm.methods._method import option


@dataclass(frozen=True, kw_only=True)
class Method(PatchMethod):
    """Keep what cannot be told from the patches around it."""

    tau: int = option(0, least=0, most=255)  # the largest difference that counts as none [grey levels]

    def keeps(self, blocks: Tensor) -> Tensor:
        """Keep what differs from its prediction.

        Shapes: (rows, columns, values) -> (rows, columns), True = is kept.
        """
        return unlike_neighbours(blocks) if self.tau == 0 else unpredicted(blocks, self.tau)[0]


def unlike_neighbours(blocks: Tensor) -> Tensor:
    """Keep what is not exactly as predicted, all at once: what stands in for a patch is equal to it.

    Shapes: (rows, columns, values) -> (rows, columns).
    """
    as_left = (blocks[:, 1:] == blocks[:, :-1]).all(-1)  # (rows, columns - 1)
    as_above = (blocks[1:] == blocks[:-1]).all(-1)  # (rows - 1, columns)
    is_column_edge = as_above[:, :-1] & ~as_left[:-1]  # the corner is as the left one, not as the upper one
    keep = torch.ones(blocks.shape[:2], dtype=torch.bool, device=blocks.device)
    keep[0, 1:] = ~as_left[0]
    keep[1:, 0] = ~as_above[:, 0]
    keep[1:, 1:] = ~torch.where(is_column_edge, as_above[:, 1:], as_left[1:])
    return keep


def unpredicted(blocks: Tensor, tau: int) -> tuple[Tensor, Tensor]:
    """Keep what is further from its prediction than `tau`, patch by patch, as predictions build on predictions.

    Shapes: (rows, columns, values) -> keep (rows, columns), and what the kept patches stand for, as blocks.
    """
    drawn = blocks.clone()
    keep = torch.ones(blocks.shape[:2], dtype=torch.bool, device=blocks.device)
    for row, column in product(*map(range, keep.shape)):
        if row == column == 0:
            continue
        guess = _predicted(drawn, row, column, tau)
        if _alike(blocks[row, column], guess, tau):
            keep[row, column], drawn[row, column] = False, guess
    return keep, drawn


def _predicted(drawn: Tensor, row: int, column: int, tau: int) -> Tensor:
    """Predict the left neighbour, or the upper one where an edge runs down between it and the corner."""
    if column == 0:
        return drawn[row - 1, 0]
    left = drawn[row, column - 1]
    if row == 0:
        return left
    above, corner = drawn[row - 1, column], drawn[row - 1, column - 1]
    return above if _alike(corner, left, tau) and not _alike(corner, above, tau) else left


def _alike(one: Tensor, other: Tensor, tau: int) -> bool:
    return bool((one - other).abs().max() <= tau)
