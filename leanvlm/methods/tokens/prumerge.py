"""PruMerge+: keep the tokens that stand out in the vision tower, sample the picture evenly, and merge neighbours in.

Source:  Shang et al. 2024, arXiv 2403.15388: outliers by the interquartile rule, spatial samples, merging by like keys.
Code:    github.com/42Shawn/LLaVA-PruMerge @ 097c041 (read, not copied): one wide head, 32 neighbours, raw weights.
Departs: the budget fixes the count, as in EffiVLM-Bench: too many outliers are cut, spatial samples fill the rest. The
         samples lie evenly among all tokens not chosen yet, in reading order; the code takes the first of a sequence,
         which leaves out the end of the picture. `spatial=false` is PruMerge, the highest attention alone. No extra
         token sums up what was dropped. Towers without a class token are scored by the attention received, mean over
         rows. Tokens are chosen over all tiles of an image together and merged in the decoder's feature space; kept
         tokens stay at their positions. Row-end tokens, which no patch stands behind, go first and merge with none.
Checked: tests/methods/test_prumerge.py, the twelve-token example worked by hand.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import embedding_bag, normalize

from leanvlm.methods._method import top
from leanvlm.methods._tokens import EncoderSignal, EntranceMethod, VisualTokens

NEIGHBOURS = 32  # tokens that are merged into each kept one; the code's
WHISKER = 1.5  # interquartile ranges above the third quartile, from where on a token is an outlier


@dataclass(frozen=True, kw_only=True)
class Method(EntranceMethod):
    """Keep outliers and spatial samples, each with its neighbours merged in."""

    spatial: bool = True  # whether spatial samples join the outliers (PruMerge+); false ranks by attention alone

    @property
    def encoder(self) -> EncoderSignal:
        """Ask for the last block, its heads joined."""
        return EncoderSignal(block=-1, as_one_head=True)

    def reduce(self, tokens: VisualTokens, n: int) -> tuple[Tensor, Tensor]:
        """Choose by attention and by position, and add to every kept token its neighbours, weighted by their attention.

        Shapes: -> index (n,) ascending, features (n, C).
        """
        if n == len(tokens.features):  # nothing is dropped, so nothing is merged
            return torch.arange(n, device=tokens.features.device), tokens.features
        attention = tokens.rank()
        index = _outliers_and_samples(attention, n) if self.spatial else top(attention, n)
        return index, _merged(tokens, index)


def _outliers_and_samples(attention: Tensor, n: int) -> Tensor:
    """Choose the outliers, at most `n`, then samples among the other patches, then row-end tokens.

    Shapes: (N,) -> (n,) ascending.
    """
    is_patch = attention.isfinite()
    outliers = top(attention, min(n, _n_outliers(attention[is_patch])))
    is_free = is_patch.index_fill(0, outliers, value=False)
    free, row_ends = is_free.nonzero()[:, 0], (~is_patch).nonzero()[:, 0]
    n_missing = n - len(outliers)
    n_samples = min(n_missing, len(free))
    samples = [_evenly(free, n_samples), _evenly(row_ends, n_missing - n_samples)]
    return torch.cat([outliers, *samples]).sort().values


def _n_outliers(attention: Tensor) -> int:
    """Count what lies above the upper whisker, at least one; quartiles are interpolated."""
    first, third = attention.quantile(attention.new_tensor([0.25, 0.75]))
    return max(1, int((attention > third + WHISKER * (third - first)).sum()))


def _evenly(index: Tensor, n: int) -> Tensor:
    """Cut the indices into `n` stretches of nearly equal length and take the middle of each."""
    halves = 2 * torch.arange(n, device=index.device) + 1
    return index[halves * len(index) // (2 * max(1, n))]


def _merged(tokens: VisualTokens, index: Tensor) -> Tensor:
    """Add to each kept token the tokens, kept or dropped, whose keys point most nearly its way.

    Shapes: index (n,) -> (n, C).
    """
    attention, keys = tokens.rank().float(), normalize(tokens.metric(), dim=-1)
    is_patch = attention.isfinite()
    n_neighbours = min(NEIGHBOURS, int(is_patch.sum()) - 1)
    if n_neighbours < 1:
        return tokens.features[index]
    likeness = (keys[index] @ keys.T).masked_fill(~is_patch, float("-inf"))  # (n, N)
    likeness.scatter_(1, index[:, None], float("-inf"))  # no token is its own neighbour
    nearest = likeness.topk(n_neighbours).indices  # (n, K)
    weights = attention[nearest] * is_patch[index, None]
    features = tokens.features.float()
    added = embedding_bag(nearest, features, per_sample_weights=weights, mode="sum")  # (n, C)
    return (features[index] + added).to(tokens.features.dtype)
