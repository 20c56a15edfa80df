"""A cache method at a budget equals a slow oracle: the full cache in eager attention with evicted keys masked away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from PIL.Image import Image
from torch import Tensor
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from leanvlm import plugins
from leanvlm.engine.decode.decode import decode
from leanvlm.engine.decode.steps import DecodeStart
from leanvlm.engine.evict import evict, select
from leanvlm.engine.passes import rng_for
from leanvlm.engine.prefill.prefill import prefill
from leanvlm.engine.vision.vision_pass import run_vision
from leanvlm.methods._cache import CacheMethod
from leanvlm.models._model import LoadedModel
from leanvlm.recipes import parse

CACHE_METHODS = [name for name in plugins.ids("methods") if issubclass(plugins.load("methods", name), CacheMethod)]


@contextmanager
def evicted_keys_masked(model: LoadedModel, kept: list[Tensor], n_prompt: int) -> Iterator[None]:
    """Replace each layer's attention by plain matrices over all keys; from the first answer token on, hide some."""

    def slow(layer: int) -> Any:
        def attend(module: Any, query: Tensor, key: Tensor, value: Tensor, mask: Any, **options: Any) -> Any:
            groups = query.shape[1] // key.shape[1]
            key, value = key.repeat_interleave(groups, 1), value.repeat_interleave(groups, 1)
            logits = query @ key.transpose(-1, -2) * options["scaling"]
            t_query, t_key = logits.shape[-2:]
            later = torch.ones(t_query, t_key, dtype=torch.bool).triu(t_key - t_query + 1)
            logits = logits.masked_fill(later, float("-inf"))
            if t_query == 1:
                there = torch.zeros(1, kept[layer].shape[1], t_key, dtype=torch.bool)
                there[..., n_prompt:] = True
                there.scatter_(2, kept[layer], True)
                logits = logits.masked_fill(~there.repeat_interleave(groups, 1)[:, :, None], float("-inf"))
            return (logits.softmax(-1) @ value).transpose(1, 2), None

        return attend

    from transformers import AttentionInterface

    table = {module: slow(i) for i, module in enumerate(model.attention.values())}

    def of_module(module: Any, *args: Any, **options: Any) -> Any:
        attend = table.get(module, sdpa_attention_forward)  # the latter looks at pictures outside the prompt
        return attend(module, *args, **options)

    AttentionInterface.register("oracle", of_module)
    before = model.text.config._attn_implementation_internal
    model.text.config._attn_implementation_internal = "oracle"
    try:
        yield
    finally:
        model.text.config._attn_implementation_internal = before


@pytest.mark.parametrize("budget", ["5%", "30%"])
@pytest.mark.parametrize("method", CACHE_METHODS)
def test_eviction_equals_masking(
    model: LoadedModel, prompts: list[tuple[list[Image], str]], method: str, budget: str
) -> None:
    for images, question in prompts:
        part = parse(f"{method}@{budget}").parts[0]
        prompt = run_vision(model, model.inputs(images, question))
        n = prompt.embeds.shape[1]
        read = prefill(model, prompt, wanted=part.built.wants(prompt.is_visual), rng=rng_for(part, "s"))
        cache = evict(read, part.built, rng_for(part, "s")).cache
        start = DecodeStart(cache, read.logits, read.next_position)
        (ours,) = decode(model, [start], stops=frozenset(), limit=8)
        kept = select(read.signals(rng_for(part, "s")), part.built)
        assert any(len(head.unique()) < n for layer in kept for head in layer[0])
        with evicted_keys_masked(model, kept, n):
            again = prefill_plain(model, prompt)
            oracle = plainly_said(model, again, read.logits, read.next_position, n=8)
        assert [one.token for one in ours] == oracle


@torch.inference_mode()
def plainly_said(model: LoadedModel, cache: Any, logits: Tensor, position: Tensor, *, n: int) -> list[int]:
    """Decode `n` tokens with the model's own stack alone, so that nothing but the oracle attends."""
    said: list[int] = []
    for shift in range(n):
        said.append(int(logits.argmax()))
        embeds = model.model.get_input_embeddings()(torch.tensor([said[-1:]]))
        asked = {"inputs_embeds": embeds, "position_ids": position + shift, "past_key_values": cache}
        logits = model.head(model.text(**asked, use_cache=True).last_hidden_state[0, -1])
    return said


def prefill_plain(model: LoadedModel, prompt: Any) -> Any:
    """Fill a cache with the oracle's own attention, no recorder."""
    from transformers import DynamicCache

    cache = DynamicCache(config=model.text.config)
    with torch.inference_mode():
        model.text(inputs_embeds=prompt.embeds, position_ids=prompt.positions, past_key_values=cache, use_cache=True)
    return cache
