"""What a run asks for, against counts that were made by hand from the model's shape."""

from __future__ import annotations

import pytest
import torch
from PIL import Image
from torch.utils.flop_counter import FlopCounterMode

from leanvlm.clock.work import ATEN, FORMULAS, STEPS, count
from leanvlm.models._model import LoadedModel
from leanvlm.recipes import parse
from leanvlm.sample import Sample

Prompts = list[tuple[list[Image.Image], str]]


def asked(prompts: Prompts) -> Sample:
    pictures, question = prompts[0]
    return Sample(sample_id="s", question=question, images=tuple(pictures))


def by_hand(model: LoadedModel, n: int) -> float:
    """Multiply-adds of `n` tokens through linear layers and causal attention, and of the head for the last."""
    text = model.model.config.text_config
    linear = sum(weight.numel() for layer in model.text.layers for weight in layer.parameters() if weight.ndim == 2)
    attention = n * n * text.hidden_size * text.num_hidden_layers  # two products, of which the half is causal
    return float(n * linear + attention + text.vocab_size * text.hidden_size)


def test_operations_of_reading_are_those_of_the_shape(model: LoadedModel, prompts: Prompts) -> None:
    sample = asked(prompts)
    n = model.inputs(sample.pictures(), sample.question)["input_ids"].shape[1]
    vision, prefill, _ = count(model, [sample], parse("controls/full")).operations
    assert prefill - vision == pytest.approx(2 * by_hand(model, n), rel=0.002)  # the rest turns positions


@pytest.mark.parametrize("is_causal", [False, True])
@pytest.mark.parametrize("kernel", ["flash", "efficient", "cudnn"])
def test_every_kernel_of_attention_is_counted(kernel: str, is_causal: bool) -> None:
    """Eight heads of queries share two of keys; one multiplication and one addition each, half of them where causal."""
    query, key, value = (torch.empty(3, heads, n, 16, device="meta") for heads, n in ((8, 5), (2, 7), (2, 7)))
    call = getattr(ATEN, f"_scaled_dot_product_{kernel}_attention")
    options = () if kernel == "flash" else (None, False)  # no mask, no log-sum-exp
    with FlopCounterMode(display=False, custom_mapping=FORMULAS) as counter:
        call(query, key, value, *options, 0.0, is_causal)
    assert counter.get_total_flops() == 2 * (2 * 3 * 8 * 5 * 7 * 16) // (2 if is_causal else 1)


def test_two_prompts_ask_twice_as_much_but_share_the_weights_of_a_step(model: LoadedModel, prompts: Prompts) -> None:
    one, two = (count(model, [asked(prompts)] * n, parse("controls/full")) for n in (1, 2))
    assert two.operations[:2] == pytest.approx([2 * n for n in one.operations[:2]])
    assert two.cache_bytes == 2 * one.cache_bytes
    assert two.moved_bytes[2] - one.moved_bytes[2] == one.cache_bytes


def test_the_cache_that_is_left_is_counted(model: LoadedModel, prompts: Prompts) -> None:
    sample = asked(prompts)
    n = model.inputs(sample.pictures(), sample.question)["input_ids"].shape[1]
    text = model.model.config.text_config
    position = 2 * text.num_key_value_heads * (text.hidden_size // text.num_attention_heads) * 4  # bytes in a layer
    full, kept = (count(model, [sample], parse(recipe)) for recipe in ("controls/full", "cache/streaming@10%"))
    assert full.cache_bytes == (n + STEPS - 1) * position * text.num_hidden_layers
    assert kept.cache_bytes == (int(n * 0.1) + STEPS - 1) * position * text.num_hidden_layers
    assert full.moved_bytes[2] - kept.moved_bytes[2] == full.cache_bytes - kept.cache_bytes
    assert kept.operations[1] == pytest.approx(full.operations[1])


def test_memory_is_told_in_bytes(model: LoadedModel, prompts: Prompts) -> None:
    found = count(model, [asked(prompts)], parse("controls/full"))
    assert found.peak_bytes is None or found.peak_bytes < 2**33
