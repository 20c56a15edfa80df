"""ToMe: merge the visual tokens that are most alike, two by two, until as many remain as the budget allows.

Source:  Bolya et al. 2022, arXiv 2210.09461: bipartite soft matching on keys, averages weighted by size.
Code:    github.com/facebookresearch/ToMe @ af95e4b (read, not copied): even tokens propose to odd ones.
Departs: merges once, at the decoder's entrance and in its feature space; the paper merges a few tokens in every block
         of the vision tower, which makes the tower faster too and adds log(size) to its attention. A round halves the
         tokens at most, so small budgets take several. Between rounds the keys are averaged like the features, since
         no further block makes new ones. Keys are those of the second-to-last block. Only patches are counted, from 0,
         so even ones propose also behind a class token; in the code, which counts that token as 0 and never merges it,
         the same patches would be proposed to. A merged token stays where its odd token was and the order of reading is
         kept; the code puts unmerged even tokens first. All tiles of an image are one sequence. Row-end tokens, which
         no patch stands behind, go first and are never merged.
Checked: tests/methods/test_tome.py, the eight-token example worked by hand, and two rounds of three tokens.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize

from leanvlm.methods._method import top
from leanvlm.methods._tokens import EncoderSignal, EntranceMethod, VisualTokens


@dataclass(frozen=True)
class Groups:
    """Tokens between two rounds, each the average of one or more.

    Shapes: index (T,) ascending, features (T, C), keys (T, D), sizes (T,).
    """

    index: Tensor
    features: Tensor
    keys: Tensor
    sizes: Tensor


@dataclass(frozen=True, kw_only=True)
class Method(EntranceMethod):
    """Merge what is alike."""

    @property
    def encoder(self) -> EncoderSignal:
        """Ask for the second-to-last block."""
        return EncoderSignal(block=-2)

    def reduce(self, tokens: VisualTokens, n: int) -> tuple[Tensor, Tensor]:
        """Drop the row-end tokens, then merge in rounds until `n` tokens remain.

        Shapes: -> index (n,) ascending, features (n, C).
        """
        kept = tokens.without_row_ends(n)
        if kept is not None:
            return kept, tokens.features[kept]
        patches = tokens.patches()
        keys = tokens.metric()[patches]
        groups = Groups(patches, tokens.features[patches].float(), keys, keys.new_ones(len(patches)))
        while len(groups.index) > n:
            groups = _merge_once(groups, n)
        return groups.index, groups.features.to(tokens.features.dtype)


def _merge_once(groups: Groups, n: int) -> Groups:
    """Merge the even tokens that are most like an odd one into it, but leave `n` tokens.

    Ties go to the earlier token, on both sides.
    """
    n_tokens = len(groups.index)
    keys = normalize(groups.keys, dim=-1)
    likeness, likest = (keys[0::2] @ keys[1::2].T).max(-1)  # (even,), (even,)
    merging = top(likeness, min(n_tokens - n, n_tokens // 2))
    own = torch.arange(n_tokens, device=keys.device)
    owner = own.index_copy(0, 2 * merging, 2 * likest[merging] + 1)  # (T,)
    return _averaged(groups, owner, own[owner == own])


def _averaged(groups: Groups, owner: Tensor, kept: Tensor) -> Groups:
    """Average the tokens of each owner, weighted by their sizes.

    In the order of owners, since adding by index has no fixed order on a GPU. Shapes: owner (T,), kept (n,).
    """
    order = owner.argsort(stable=True)
    counts = torch.bincount(owner, minlength=len(owner))[kept]

    def total(states: Tensor) -> Tensor:
        weighted = states * groups.sizes[:, None]
        return torch.segment_reduce(weighted[order], "sum", lengths=counts)

    sizes = total(torch.ones_like(groups.sizes)[:, None])  # (n, 1)
    return Groups(groups.index[kept], total(groups.features) / sizes, total(groups.keys) / sizes, sizes[:, 0])
