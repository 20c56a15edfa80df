"""Round a linear layer's weights to a format: each to the nearest multiple of its scale, or by GPTQ.

Scales are rounded to the type that stores them before any weight is rounded to their multiples.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from leanvlm.errors import RunError
from leanvlm.methods.weights._block import Block
from leanvlm.methods.weights._quantising import Format
from leanvlm.processes.quiet import quiet

DAMPING = 0.01  # of the Hessian's mean diagonal
COLUMNS = 128  # that are settled before those after them are told


@torch.no_grad()
def round_block(block: Block, form: Format, hessians: dict[str, Tensor] | None = None) -> None:
    """Quantise a decoder layer's linear layers and attach the scales; the stored format follows on saving.

    Takes: hessians, for GPTQ, of each linear layer; they are spent where nobody shares them.

    Raises: RunError for a layer whose Hessian has no inverse.
    """
    with quiet():
        from compressed_tensors.quantization import initialize_module_for_quantization

    scheme = form.scheme(**({"actorder": "static"} if hessians is not None else {}))
    for name, linear in block.linears.items():
        initialize_module_for_quantization(linear, scheme)
        scale = scales(linear.weight, scheme.weights).to(block.stored).float()
        linear.weight_scale = nn.Parameter(scale.to(linear.weight.dtype), requires_grad=False)
        if hessians is None:
            linear.weight.copy_(nearest(linear.weight.float(), scale, scheme.weights))
        else:
            linear.weight.copy_(_by_gptq(name, linear.weight.float(), hessians[name], scale, scheme.weights))


def scales(weight: Tensor, arguments: Any) -> Tensor:
    """Choose the scales with which the largest weight of each group is the format's largest value.

    Shapes: (outputs, inputs) -> (outputs, groups).
    """
    from compressed_tensors.quantization.utils import calculate_qparams

    size = arguments.group_size or weight.shape[1]
    groups = weight.float().reshape(len(weight), -1, size)
    found: Tensor = calculate_qparams(groups.amin(-1), groups.amax(-1), arguments)[0]
    return found


def nearest(weight: Tensor, scale: Tensor, arguments: Any) -> Tensor:
    """Round to the nearest multiples of the scales.

    Shapes: (outputs, inputs), (outputs, groups) -> (outputs, inputs).
    """
    from compressed_tensors.quantization import fake_quantize

    found: Tensor = fake_quantize(weight, scale, None, arguments)
    return found


def _by_gptq(name: str, weight: Tensor, hessian: Tensor, scale: Tensor, arguments: Any) -> Tensor:
    """Let llmcompressor round column by column; it says of a Hessian without an inverse that it rounds to nearest."""
    with quiet():
        from llmcompressor.modifiers.gptq.gptq_quantize import quantize_weight

    zeros = torch.zeros_like(scale)
    quantise: Any = quantize_weight
    batch = (weight[None].clone(), hessian[None].clone(), scale[None], zeros[None], None)
    found, _, is_nearest = quantise(*batch, arguments, COLUMNS, DAMPING)
    if bool(is_nearest.any()) or not bool(found.isfinite().all()):
        raise RunError(f"the Hessian of {name} has no inverse, so GPTQ cannot round it; nothing is kept of this "
                       "checkpoint: raise calibration.n")  # fmt: skip
    rounded: Tensor = found[0]
    return rounded
