"""SparseVLM: let the text that looks at the pictures rate their tokens, drop in stages, and recycle what was dropped.

Source:  Zhang et al. 2024, arXiv 2410.04417, sections 3.2 and 3.3: raters, ranking by raters, recycling.
Code:    github.com/Gumpest/SparseVLMs @ 14cb5a9, clustering @ 8435974 (read, not copied): judged by layers 2, 6 and 15
         of 32; three tenths of what is not kept as it is, and one, are clustered by density peaks, ten to a cluster, as
         many neighbours as clusters; a token joins the nearest centre, and a cluster is its members' mean (the paper
         sums them).
Departs: raters are chosen at each stage, as those that pay visual tokens at least the mean attention; the paper and the
         code choose them once, before the first layer, by the product of embeddings, which no layer knows any more.
         The budget fixes the counts, clusters included, which are half of it at most and as few as the code's rule
         allows: the paper counts by the rank of the attention, the code by a table for 576 tokens that counts clusters
         on top, whose row for mild pruning is nearly geometric. A cluster stands where its centre stood; the code puts
         clusters behind the picture and numbers positions anew. Densities are compared as logarithms, over two
         neighbours at least, and ties break by position, where the code adds noise. All pictures are ranked together,
         and each keeps its best token. Stages that meet in a shallow decoder are one, with the lowest share.
Checked: tests/methods/test_sparsevlm.py, raters and clusters worked by hand; scores and clusters by plain loops.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from leanvlm.methods._method import n_share, top
from leanvlm.methods._signals import MOST_ROWS, Signals, Wanted, n_after_vision
from leanvlm.methods._tokens import LayerMethod

JUDGES = (2 / 32, 6 / 32, 15 / 32)  # depths of the layers whose attention decides; the code's, for LLaVA-1.5
RECYCLED = 0.3  # share that goes into clusters of the tokens that are not kept as they are; the paper's
CLUSTER = 10  # tokens in a cluster, on average; the code's


@dataclass(frozen=True, kw_only=True)
class Method(LayerMethod):
    """Rank by the attention of the raters; the last stage leaves the budget, earlier ones geometrically more."""

    def stages(self, n_layers: int) -> dict[int, float]:
        """Drop above each judge."""
        shares = [self.budget ** (stage / len(JUDGES)) for stage in range(1, len(JUDGES) + 1)]
        return {int(depth * n_layers) + 1: share for depth, share in zip(JUDGES, shares, strict=True)}

    def wants(self, is_visual: Tensor) -> Wanted:
        """Ask for the rows of all the text after the pictures, and for none where there is no picture to rate."""
        return Wanted(rows=_n_text(is_visual)) if is_visual.any() else Wanted()

    def score(self, signals: Signals, seen: Tensor | None) -> Tensor:  # noqa: ARG002
        """Average over the raters among the text after the pictures, and over heads.

        The rows are computed twice, in blocks: those of a long text would not fit in memory. Shapes: -> (T,).
        """
        n_text = _n_text(signals.is_visual)
        paid = [block[0].mean(0)[:, signals.is_visual].sum(1) for block in signals.blocks(n_text)]
        rates = raters(torch.cat(paid))  # (w,)
        parts = zip(signals.blocks(n_text), rates.split(MOST_ROWS), strict=True)  # type: ignore[no-untyped-call]
        sums = [block[0].mean(0)[own].sum(0) for block, own in parts]
        return torch.stack(sums).sum(0) / rates.sum()

    def reduce(self, states: Tensor, scores: Tensor, n: int) -> tuple[Tensor, Tensor]:
        """Keep the best tokens and turn the best of the others into clusters, `n` in all.

        Shapes: states (N, C), scores (N,) -> index (n,) ascending, states (n, C).
        """
        most = min(n // 2, n - int(scores.isinf().sum()))  # what must stay is not merged
        if most <= 0 or n == len(scores):
            return super().reduce(states, scores, n)
        n_recycled, n_clusters = recycling(len(scores), n, most=most)
        best = top(scores, n - n_clusters)
        used = top(scores, n - n_clusters + n_recycled)
        recycled = used[~torch.isin(used, best)]  # (M,)
        centres, means = cluster(states[recycled].float(), n_clusters)
        index = torch.cat([best, recycled[centres]]).sort().values
        return index, states.index_copy(0, recycled[centres], means.to(states.dtype))[index]


def raters(paid: Tensor) -> Tensor:
    """Choose the text tokens that pay visual tokens at least the mean attention.

    Shapes: (w,) -> (w,), True = rates.
    """
    return paid >= paid.mean().minimum(paid.max())  # a mean of equals may be rounded up


def recycling(n_tokens: int, n: int, *, most: int) -> tuple[int, int]:
    """Count the tokens that are recycled and the clusters that they make, where `n` of more tokens are left.

    A cluster more is a token less that is kept as it is, and recycled tokens are a share of the others: the fewest
    clusters that this allows, `most` if there would be more.
    """
    assert n < n_tokens
    assert most >= 1
    counts = [(n_share(n_tokens - n + n_clusters, RECYCLED) + 1, n_clusters) for n_clusters in range(1, most + 1)]
    return next((pair for pair in counts if pair[0] // CLUSTER < pair[1]), counts[-1])


def cluster(tokens: Tensor, n: int) -> tuple[Tensor, Tensor]:
    """Form `n` clusters around density peaks: dense tokens that are far from any denser one.

    Shapes: (M, C) -> centres (n,) ascending, means (n, C).
    """
    exact = "donot_use_mm_for_euclid_dist"  # the fast way cancels digits where a few channels are huge
    distances = torch.cdist(tokens, tokens, compute_mode=exact) / tokens.shape[1] ** 0.5  # (M, M)
    centres = top(_peaks(distances, max(2, n)), n)
    nearest = top(-distances[:, centres], 1)[:, 0]  # (M,)
    nearest[centres] = torch.arange(n, device=tokens.device)  # also where two centres are equal
    members = one_hot(nearest, n).T.to(tokens.dtype)  # (n, M)
    return centres, members @ tokens / members.sum(1, keepdim=True)


def _peaks(distances: Tensor, neighbours: int) -> Tensor:
    """Return the logarithm of density times distance to the nearest denser token.

    Shapes: (M, M) -> (M,).
    """
    nearest = distances.sort(dim=1).values[:, :neighbours]  # each token is its own first neighbour
    spread = nearest.square().mean(1)  # (M,), minus the logarithm of density, which itself would underflow
    order = spread.sort(stable=True).indices
    rank = torch.empty_like(order)
    rank[order] = torch.arange(len(order), device=order.device)
    is_denser = rank < rank[:, None]  # (M, M)
    gaps = distances.masked_fill(~is_denser, float(distances.max())).amin(1)  # (M,)
    return gaps.log() - spread


def _n_text(is_visual: Tensor) -> int:
    return n_after_vision(is_visual, most=len(is_visual))
