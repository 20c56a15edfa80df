"""VisionZip: keep the tokens that the vision tower itself looks at, and merge the rest into a few contextual ones.

Source:  Yang et al. 2024, arXiv 2412.04467, section 3: dominant tokens by attention, contextual tokens by similarity.
Code:    github.com/dvlab-research/VisionZip @ 3151f6d (read, not copied): 54 dominant to 10 contextual tokens.
Departs: towers without a class token are scored by the attention received, mean over heads and rows, as
         EffiVLM-Bench does. Where there is one, it only scores: the code keeps it as one of the dominant tokens, but
         no decoder here gets it. Counts are shares of the budget, rounded down for the contextual tokens, so that up to
         six kept tokens are all dominant; EffiVLM-Bench keeps one contextual token at least, beyond the budget, and
         the code is told both counts. Tokens are chosen over all tiles of an image together and merged in the
         decoder's feature space; kept tokens stay at their positions. Row-end tokens, which no patch stands behind, go
         first and are merged into none.
Checked: tests/methods/test_visionzip.py, two examples worked by hand.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize, one_hot

from leanvlm.methods._method import top
from leanvlm.methods._tokens import EncoderSignal, EntranceMethod, VisualTokens

CONTEXTUAL_SHARE = 10 / 64  # of the kept tokens; the code's 54 : 10


@dataclass(frozen=True, kw_only=True)
class Method(EntranceMethod):
    """Keep dominant tokens, merge the others."""

    @property
    def encoder(self) -> EncoderSignal:
        """Ask for the second-to-last block."""
        return EncoderSignal(block=-2)

    def reduce(self, tokens: VisualTokens, n: int) -> tuple[Tensor, Tensor]:
        """Choose dominant tokens by attention and add to every contextual centre the mean of its like.

        Shapes: -> index (n,) ascending, features (n, C).
        """
        kept = tokens.without_row_ends(n)
        if kept is not None:  # nothing else is dropped, so nothing is merged
            return kept, tokens.features[kept]
        patches = tokens.patches()
        n_contextual = int(n * CONTEXTUAL_SHARE)
        dominant = top(tokens.rank(), n - n_contextual)
        rest = _without(patches, dominant)
        centers = rest[:: max(1, len(rest) // max(1, n_contextual))][:n_contextual]
        features = tokens.features.clone()
        if n_contextual:
            features[centers] += _mean_of_nearest(tokens, _without(rest, centers), centers)
        index = torch.cat([dominant, centers]).sort().values
        return index, features[index]


def _without(index: Tensor, gone: Tensor) -> Tensor:
    return index[~torch.isin(index, gone)]


def _mean_of_nearest(tokens: VisualTokens, others: Tensor, centers: Tensor) -> Tensor:
    """Average, per centre, the tokens whose keys point most nearly its way; zeros for a centre without any."""
    keys = normalize(tokens.metric(), dim=-1)
    nearest = (keys[others] @ keys[centers].T).argmax(-1)  # (others,)
    members = one_hot(nearest, len(centers)).T.to(tokens.features.dtype)  # adding by index has no fixed order
    counts = members.sum(1, keepdim=True).clamp(min=1)
    return (members @ tokens.features[others]) / counts
