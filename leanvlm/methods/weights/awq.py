"""AWQ: before rounding to nearest, scale up the inputs' columns that matter, and scale down what feeds them.

Source:  Lin et al. 2024, arXiv 2306.00978, section 3: the scale of a column, searched per group of layers.
Code:    llmcompressor 0.14.0.1, AWQModifier (called); the authors' is github.com/mit-han-lab/llm-awq @ d6e797a.
Departs: integers are symmetric, as fast kernels want them; the authors' are not. A scale weighs the columns' inputs
         against their weights, as AutoAWQ and EffiVLM-Bench do; `weights=false` takes inputs alone, as the paper
         does. The exponents are llmcompressor's, 0 and 1 included: for inputs alone i / (grid - 1) for each i below
         grid, with weights i / (grid - 2) for each i below grid - 1 and no scaling at all; the authors' are i / 20 for
         each i below 20. Weights are not clipped. A norm that was scaled is rounded to the 16 bits that it is stored
         in. Values are scaled for the layer after attention only where both have the same width: not with fewer
         key-value heads than heads. Calibrated on questions with pictures, not text from the Pile.
Checked: tests/methods/test_awq.py: an example worked by hand and a slow search over a whole layer choose the same
         scales; scaled but not rounded, the model computes what it did, on every architecture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel, ProcessorMixin

from leanvlm.errors import InputError, RunError
from leanvlm.methods._method import option
from leanvlm.methods.weights._oneshot import IN_LAYER, oneshot
from leanvlm.methods.weights._quantising import QuantisingMethod
from leanvlm.methods.weights._weights import Samples, decoder_layers
from leanvlm.processes.quiet import quiet

ROUNDING = 1e-3  # of the largest logit: what float32 may move when columns are scaled there and back


@dataclass(frozen=True, kw_only=True)
class Method(QuantisingMethod):
    """Store four bits a weight and one scale a group of neighbouring weights of a row."""

    weights: bool = True  # whether columns with large weights are scaled less
    grid: int = option(20, least=3)  # exponents that are tried per group of layers

    def changes(self, model: nn.Module) -> frozenset[str]:
        """Name what is scaled down: norms, and biases of linear layers."""
        known = dict(model.named_parameters())
        feeding = [
            f"{name}.{smooth}.{kind}"
            for name, layer in decoder_layers(model).items()
            for smooth in _pairs(layer)
            for kind in ("weight", "bias")
        ]
        return frozenset(name for name in feeding if name in known and not name.endswith("_proj.weight"))

    def compress(self, model: PreTrainedModel, calibration: Samples, *, processor: ProcessorMixin) -> None:
        """Scale layer after layer, prove that this changed nothing, and attach the scales of the rounding.

        Raises: RunError where the scaled model computes something else.
        """
        scheme = self.scheme(model)
        before = _logits(model, calibration)
        pairs = _pairs(next(iter(decoder_layers(model).values())))

        def modifiers() -> list[object]:
            from llmcompressor.modifiers.quantization import QuantizationModifier
            from llmcompressor.modifiers.transform.awq import AWQMapping, AWQModifier

            mappings = [
                AWQMapping(_regex(smooth), [_regex(name) for name in balanced]) for smooth, balanced in pairs.items()
            ]
            search = AWQModifier(mappings=mappings, duo_scaling=self.weights, n_grid=self.grid)
            return [search, QuantizationModifier(config_groups=scheme)]

        oneshot(model, modifiers, calibration, processor=processor, changes=self.changes(model))
        with quiet():
            from llmcompressor.utils.helpers import DisableQuantization

        with DisableQuantization(model):
            moved = (_logits(model, calibration) - before).abs().max()
        if not moved <= ROUNDING * before.abs().max():  # also stops at NaN
            raise RunError(f"scaled but not rounded, the model's logits moved by {moved:.2g}; nothing is kept of it")


def _pairs(layer: nn.Module) -> dict[str, list[str]]:
    """Map what is scaled down to the linear layers that it feeds, which are scaled up.

    Raises: InputError for a layer without attention.
    """
    names = dict(layer.named_modules())
    if "self_attn.v_proj" not in names:
        raise InputError("weights/awq scales what feeds the layers of attention, and this decoder has layers without; "
                         "use weights/gptq or weights/rtn")  # fmt: skip
    value: Any = names["self_attn.v_proj"]
    output: Any = names["self_attn.o_proj"]
    pairs = {"input_layernorm": ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"]}
    if value.out_features == output.in_features:
        pairs["self_attn.v_proj"] = ["self_attn.o_proj"]
    norm = "pre_feedforward_layernorm" if "pre_feedforward_layernorm" in names else "post_attention_layernorm"
    return {**pairs, norm: ["mlp.gate_proj", "mlp.up_proj"], "mlp.up_proj": ["mlp.down_proj"]}


def _regex(name: str) -> str:
    return IN_LAYER + name.replace(".", r"\.") + "$"


@torch.no_grad()
def _logits(model: PreTrainedModel, calibration: Samples) -> Tensor:
    """Compute the first sample's logits.

    Shapes: -> (1, T, vocabulary).
    """
    if not calibration:
        return torch.zeros(1)  # refused below, with every other algorithm that needs samples
    logits: Tensor = model(**calibration[0], use_cache=False).logits
    return logits
