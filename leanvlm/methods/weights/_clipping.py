"""Cut the largest weights of each group where the others gain more by finer steps than those lose.

The search is AWQ's (awq.py says its source): of some limits, the one with which rounding moves outputs least.
"""

from __future__ import annotations

import torch
from torch import Tensor

from leanvlm.methods.weights._block import Block
from leanvlm.methods.weights._formats import Format
from leanvlm.methods.weights._grids import grid, nearest

SHARES = [1 - i / 20 for i in range(10)]  # of a group's largest magnitude, which are tried as its limit
LEFT_OUT = ("q_proj", "k_proj")  # their outputs meet each other, so that an error in one counts for more than itself


@torch.no_grad()
def clip_block(block: Block, form: Format) -> None:
    """Clip a decoder layer's linear layers, but those of queries and keys."""
    names = [name for name in block.linears if not name.endswith(LEFT_OUT)]
    hessians = block.hessians(*names)
    for name in names:
        weight = block.linears[name].weight
        weight.copy_(clipped(weight.float(), hessians[name], form))


def clipped(weight: Tensor, hessian: Tensor, form: Format) -> Tensor:
    """Clamp each group of each row to the limit with which rounding costs least; the widest of several.

    A group's cost is its own part of the output's error, in squares: what groups make of each other is left out.

    Shapes: (outputs, inputs), (inputs, inputs) -> (outputs, inputs).
    """
    size, (n_rows, width) = form.group_size or weight.shape[1], weight.shape
    groups = weight.reshape(n_rows, -1, size)  # (outputs, groups, size)
    products = hessian.reshape(width // size, size, width // size, size).diagonal(
        dim1=0, dim2=2
    )  # (size, size, groups)
    most = groups.abs().amax(-1, keepdim=True)
    best, least = most, torch.full_like(most, torch.inf)
    for share in SHARES:
        tried = groups.clamp(-share * most, share * most).flatten(1)
        moved = nearest(tried, grid(tried, form), form).view_as(groups) - groups
        cost = torch.einsum("ogi,ijg,ogj->og", moved, products, moved)[..., None]
        best, least = torch.where(cost < least, share * most, best), torch.minimum(cost, least)
    return torch.clamp(groups, -best, best).flatten(1)
