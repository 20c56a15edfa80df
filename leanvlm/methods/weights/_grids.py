"""The values that a format has for a weight: multiples of scales, group by group, from a zero point on.

Scales are rounded to the type that stores them before any weight is rounded to their multiples.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from leanvlm.methods.weights._formats import Format, arguments


@dataclass(frozen=True)
class Grid:
    """A format's values for one weight.

    Shapes: scale (outputs, groups); zero_point alike, or None where none is stored; over (1,), what the scales are
    divided by once more, or None.
    """

    scale: Tensor
    zero_point: Tensor | None = None
    over: Tensor | None = None

    def attach(self, linear: nn.Linear) -> None:
        """Leave it with the layer, under compressed-tensors' names."""
        named = {"scale": self.scale.to(linear.weight.dtype), "zero_point": self.zero_point, "global_scale": self.over}
        for kind, value in named.items():
            if value is not None:
                setattr(linear, f"weight_{kind}", nn.Parameter(value, requires_grad=False))


def grid(weight: Tensor, form: Format, *, stored: torch.dtype = torch.float32, over: Tensor | None = None) -> Grid:
    """Choose the scales with which the largest weight of each group is the format's largest value.

    Takes: stored, the type of scales that have none of their own; over, as `overall` gives it.

    Shapes: weight (outputs, inputs).
    """
    from compressed_tensors.quantization.utils import calculate_qparams

    groups = weight.float().reshape(len(weight), -1, form.group_size or weight.shape[1])
    scale, zero_point = calculate_qparams(groups.amin(-1), groups.amax(-1), arguments(form), global_scale=over)
    if form.scale_type is None:
        scale = scale.to(stored).float()
    return Grid(scale, zero_point if form.has_zero_point else None, over)


def overall(values: Iterable[Tensor]) -> Tensor:
    """Choose what scales of scales are divided by, for tensors that one kernel takes together.

    Shapes: -> (1,).
    """
    from compressed_tensors.quantization.utils import generate_gparam

    largest = torch.stack([value.abs().max() for value in values]).max().float()
    found: Tensor = generate_gparam(-largest, largest)
    return found


def nearest(weight: Tensor, found: Grid, form: Format) -> Tensor:
    """Round to the nearest values of a grid.

    Shapes: (outputs, inputs) -> (outputs, inputs).
    """
    from compressed_tensors.quantization import fake_quantize

    rounded: Tensor = fake_quantize(weight, found.scale, found.zero_point, arguments(form), found.over)
    return rounded
