"""Scale the columns of linear layers up and what feeds them down: a model that computes the same, and rounds otherwise.

The search is AWQ's (awq.py says its source): of some scales, the ones with which rounding moves outputs least.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from leanvlm.methods.weights._block import Block
from leanvlm.methods.weights._formats import Format
from leanvlm.methods.weights._grids import grid, nearest

LEAST = 1e-4  # that a scale is before all are divided by the middle of their range

Loss = Callable[[], float]


def candidates(size: Tensor, linears: Sequence[nn.Linear], form: Format, *, weights: bool, grid: int) -> list[Tensor]:
    """List the scales to try, from a column's mean magnitude at the input, and at the weights if they count.

    Shapes: size (inputs,) -> (inputs,) each.
    """
    if not weights:
        return [_centred(size.pow(i / (grid - 1)).clamp(min=LEAST)) for i in range(grid)]
    share = _mean_share(linears, form)
    tried = [size.pow(r) / (share.pow(1 - r) + LEAST) for r in (i / (grid - 2) for i in range(grid - 1))]
    return [torch.ones_like(size), *(_centred(one.clamp(min=LEAST)) for one in tried)]


def _centred(found: Tensor) -> Tensor:
    found = found / (found.max() * found.min()).sqrt()
    return torch.where(found.isfinite(), found, 1)


def _mean_share(linears: Sequence[nn.Linear], form: Format) -> Tensor:
    """Average a column's weights, each as a share of the largest of its group, over all rows. Shapes: -> (inputs,)."""
    total: Any = 0
    for linear in linears:
        groups = linear.weight.float().abs().reshape(linear.out_features, -1, form.group_size or linear.in_features)
        total = total + (groups / (groups.amax(-1, keepdim=True) + 1e-6)).flatten(1).sum(0)
    found: Tensor = total / sum(linear.out_features for linear in linears)
    return found


def best(tried: Sequence[Tensor], linears: Sequence[nn.Linear], form: Format, loss: Loss) -> Tensor:
    """Choose the scales with which rounding costs least; the first of those that cost the same."""
    before = [linear.weight.clone() for linear in linears]
    costs = []
    for scaled in tried:
        for linear, weight in zip(linears, before, strict=True):
            linear.weight.copy_(_rounded(weight.float() * scaled, form) / scaled)
        costs.append(loss())
    for linear, weight in zip(linears, before, strict=True):
        linear.weight.copy_(weight)
    return tried[min(range(len(costs)), key=costs.__getitem__)]


def _rounded(weight: Tensor, form: Format) -> Tensor:
    return nearest(weight, grid(weight, form), form)


def loss_of_one(linear: nn.Linear, hessian: Tensor) -> Loss:
    """Return what measures how far a linear layer's outputs moved, in squares: by its Hessian, without its inputs."""
    before = linear.weight.float().clone()

    def loss() -> float:
        moved = linear.weight.float() - before
        return float((moved @ hessian).mul_(moved).sum())

    return loss


def loss_of_some(block: Block, parent: nn.Module) -> Loss:
    """Return what measures how far the outputs of a module within a layer moved, in squares, over all samples."""
    calls = list(_calls(block, parent))
    before = [_output(parent, *call) for call in calls]

    def loss() -> float:
        now = (_output(parent, *call) for call in calls)
        return sum(float((one - was).float().square().sum()) for one, was in zip(now, before, strict=True))

    return loss


def _calls(block: Block, module: nn.Module) -> Iterator[tuple[Any, Any]]:
    """Note with what a layer calls one of its modules, sample by sample."""
    heard: list[tuple[Any, Any]] = []
    hook = module.register_forward_pre_hook(lambda _, args, words: heard.append((args, words)), with_kwargs=True)
    block.outputs()
    hook.remove()
    return iter(heard)


def _output(module: nn.Module, args: Any, words: Any) -> Tensor:
    found = module(*args, **words)
    first: Tensor = found[0] if isinstance(found, tuple) else found
    return first


def scale(smooth: Any, linears: Sequence[Any], by: Tensor) -> None:
    """Scale columns up, and a norm or the linear layer that feeds them down."""
    for linear in linears:
        linear.weight.copy_(linear.weight.float() * by)
    offset, shape = offset_of(smooth), (-1, 1) if smooth.weight.ndim == 2 else (-1,)
    smooth.weight.copy_((smooth.weight.float() + offset) / by.view(shape) - offset)
    if getattr(smooth, "bias", None) is not None:
        smooth.bias.copy_(smooth.bias.float() / by)


def offset_of(smooth: nn.Module) -> int:
    """Say what is added to a norm's weight before it multiplies: 1 in Gemma's, else nothing."""
    return 1 if "Gemma" in type(smooth).__name__ else 0
