"""Round a linear layer's weights to a format: each to the nearest value of its grid, or by GPTQ."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from leanvlm.errors import RunError
from leanvlm.methods.weights._block import Block
from leanvlm.methods.weights._formats import Format
from leanvlm.methods.weights._grids import Grid, grid, nearest, overall
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
        from compressed_tensors.quantization import QuantizationStatus, initialize_module_for_quantization

    inputs = block.input_maxima() if form.needs_samples else {}
    over = _shared(block) if form.is_two_level else {}
    for name, linear in block.linears.items():
        initialize_module_for_quantization(linear, form.scheme(**({"actorder": "static"} if hessians else {})))
        found = grid(linear.weight, form, stored=block.stored, over=over.get(name))
        if hessians is None:
            rounded = nearest(linear.weight.float(), found, form)
        else:
            rounded = _by_gptq(name, linear.weight.float(), hessians[name], found, form)
        found.attach(linear)
        if inputs:
            linear.input_global_scale = nn.Parameter(overall([inputs[name]]), requires_grad=False)
        linear.weight.copy_(rounded)
        if form.scale_type is not None:
            linear.weight.copy_(rounded.bfloat16())  # as they will be unpacked; each pass would round them anew
            linear.quantization_status = QuantizationStatus.DECOMPRESSED


def _shared(block: Block) -> dict[str, Tensor]:
    """Choose one scale of scales for linear layers that get the same inputs, which vLLM takes as one."""
    leaders = block.leaders()
    weights = {
        leader: [block.linears[name].weight for name in leaders if leaders[name] == leader]
        for leader in leaders.values()
    }
    return {name: overall(weights[leader]) for name, leader in leaders.items()}


def _by_gptq(name: str, weight: Tensor, hessian: Tensor, found: Grid, form: Format) -> Tensor:
    """Let llmcompressor round column by column; it says of a Hessian without an inverse that it rounds to nearest."""
    with quiet():
        from llmcompressor.modifiers.gptq.gptq_quantize import quantize_weight

    quantise: Any = quantize_weight
    zeros = torch.zeros_like(found.scale) if found.zero_point is None else found.zero_point
    over = None if found.over is None else found.over[None]
    batch = (weight[None].clone(), hessian[None].clone(), found.scale[None], zeros[None], over)
    values, _, is_nearest = quantise(*batch, form.scheme(actorder="static").weights, COLUMNS, DAMPING)
    if bool(is_nearest.any()) or not bool(values.isfinite().all()):
        raise RunError(f"the Hessian of {name} has no inverse, so GPTQ cannot round it; nothing is kept of this "
                       "checkpoint: raise calibration.n")  # fmt: skip
    rounded: Tensor = values[0]
    return rounded
