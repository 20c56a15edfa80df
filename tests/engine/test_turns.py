"""Conversations: every turn is answered as if the whole had been read at once, with what a recipe left out hidden.

The oracles are transformers' own `generate` over the conversation so far, and one forward over all of it with plain
masked attention.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from leanvlm.engine import laying, sweep
from leanvlm.engine.decode import decode as decode_module
from leanvlm.engine.decode.joint import JointRows
from leanvlm.engine.evict import select
from leanvlm.engine.prefill import dropping
from leanvlm.engine.refusal import refusal
from leanvlm.errors import InputError
from leanvlm.recipes import parse
from leanvlm.sample import Sample
from tests.models import tiny
from tests.roundings import alike

LIMIT, TURNS = 6, 3
FULL = "controls/full"
# PyramidKV leaves each layer another length, KVzip each head
CACHE = ["cache/snapkv@30%", "cache/h2o@30%", "cache/pyramidkv@30%", "cache/kvzip@30%"]
DROPPING = ["tokens/fastv@30%", "tokens/fastv@30%:layer=1"]


@pytest.fixture(scope="module", params=["qwen2_vl", "lfm2_vl"])
def either(request: pytest.FixtureRequest) -> Any:
    """One whose positions have three axes, and one that convolves."""
    return talking(request.param)


@pytest.fixture(scope="module", params=list(tiny.BUILDERS))
def model(request: pytest.FixtureRequest) -> Any:
    return talking(request.param)


def talking(architecture: str) -> Any:
    """Make a tiny model that says words alone, no placeholder of a picture, and has five words before each turn."""
    model = tiny.build(architecture)
    model.head.weight.data[:10] = 0
    model.turn = lambda question: tiny.words(5, seed=int(question))[0].tolist()
    return model


def conversation(prompt: str = "two", name: str = "c", **of_the_first: Any) -> list[Sample]:
    first = Sample(sample_id=f"{name}-1", question=prompt, images=tuple(tiny.pictures(prompt)), **of_the_first)
    later = [Sample(sample_id=f"{name}-{turn}", question=str(turn), turn=turn) for turn in range(2, TURNS + 1)]
    return [first, *later]


def said(model: Any, samples: list[Sample], recipes: list[str], **options: Any) -> dict[tuple[str, str], sweep.Answer]:
    options = {"stops": frozenset[int](), "limit": LIMIT} | options
    found = sweep.answer_all(model, samples, [parse(text) for text in recipes], **options)
    return {(recipe.text, key): answer for key, recipe, answer in found}


def tokens_of(answer: sweep.Answer) -> list[int]:
    return [int(word) for word in answer.answer.split()]  # a tiny tokenizer says numbers


def longer(inputs: tiny.Inputs, more: list[int]) -> tiny.Inputs:
    """Add words to a prompt: what stands per token marks them as text, by zeros."""
    ids = inputs["input_ids"]
    added = torch.tensor([more], dtype=ids.dtype)
    if (mask := inputs.get("cross_attention_mask")) is not None:  # `generate` repeats its last row
        inputs = inputs | {"cross_attention_mask": torch.cat([mask, *[mask[:, -1:]] * len(more)], 1)}
    return {
        name: torch.cat([value, added if name == "input_ids" else torch.zeros_like(added).to(value)], 1)
        if value.shape == ids.shape
        else value
        for name, value in inputs.items()
    }


def generated(model: Any, inputs: tiny.Inputs, stops: frozenset[int]) -> list[int]:
    ends = {"eos_token_id": sorted(stops)} if stops else {}
    found = model.model.generate(**inputs, max_new_tokens=LIMIT, do_sample=False, **ends)
    return found[0, inputs["input_ids"].shape[1] :].tolist()  # type: ignore[no-any-return]


@pytest.mark.parametrize("prompt", ["two", "none"])
def test_full_says_what_generate_says_to_the_whole_conversation(model: Any, prompt: str) -> None:
    """One answer is ended by a token, which is not read: the words between the turns begin with their own end."""
    inputs = model.inputs(tiny.pictures(prompt), prompt)
    stops = frozenset({generated(model, inputs, frozenset())[2]})
    found = said(model, conversation(prompt), [FULL], stops=stops)
    n_prompt = inputs["input_ids"].shape[1]
    for sample in conversation(prompt):
        if sample.turn > 1:
            inputs = longer(inputs, model.turn(sample.question))
        expected, answer = generated(model, inputs, stops), found[FULL, sample.sample_id]
        assert tokens_of(answer) == expected
        assert answer.prompt_tokens == inputs["input_ids"].shape[1]
        assert answer.cache_bytes == answer.full_cache_bytes
        inputs = longer(inputs, expected[:-1] if expected[-1] in stops else expected)
    assert found[FULL, "c-1"].finish_reason == "stop"
    assert len({answer.answer for answer in found.values()}) == TURNS, "a model that repeats itself proves little"
    assert inputs["input_ids"].shape[1] > n_prompt + 2 * 5


def test_answers_are_as_probable_as_one_forward_over_the_conversation_says(model: Any) -> None:
    found = said(model, conversation(), [FULL])
    inputs, answers = read_at_once(model, found, FULL)
    with torch.inference_mode():
        probable = model.model(**inputs, use_cache=False).logits[0].double().softmax(-1)
    for sample, (start, answer) in zip(conversation(), answers, strict=True):
        each = [float(probable[start - 1 + index, token]) for index, token in enumerate(answer)]
        assert found[FULL, sample.sample_id].log_probability == pytest.approx(math.log(math.prod(each)), abs=1e-4)


@contextmanager
def hiding(model: Any, hidden: dict[int, Tensor], n_prompt: int, *, also_in_the_prompt: bool) -> Iterator[None]:
    """Hide keys of the prompt, by layer, from all that comes behind it. Shapes: hidden, each (G, n_prompt)."""

    def slow(module: Any, query: Tensor, key: Tensor, value: Tensor, attention_mask: Any, **options: Any) -> Any:
        if module.layer_idx not in hidden:  # it looks at pictures outside the prompt
            return sdpa_attention_forward(module, query, key, value, attention_mask, **options)
        heads, t = query.shape[1], query.shape[2]
        seen = torch.ones(t, t, dtype=torch.bool).tril()[None, None] if attention_mask is None else attention_mask
        away = torch.nn.functional.pad(hidden[module.layer_idx], (0, t - n_prompt)).repeat_interleave(
            heads // len(hidden[module.layer_idx]), 0
        )
        is_behind = torch.ones(t, dtype=torch.bool) if also_in_the_prompt else torch.arange(t) >= n_prompt
        seen = seen & ~(away[None, :, None] & is_behind[:, None])
        seen = seen | torch.eye(t, dtype=torch.bool)  # a row that nobody reads must see something
        return sdpa_attention_forward(module, query, key, value, seen, **options)

    AttentionInterface.register("hiding", slow)
    AttentionMaskInterface.register("hiding", sdpa_mask)
    config = model.text.config
    before, config._attn_implementation_internal = config._attn_implementation_internal, "hiding"
    try:
        yield
    finally:
        config._attn_implementation_internal = before


def read_at_once(
    model: Any, found: dict[tuple[str, str], sweep.Answer], recipe: str
) -> tuple[tiny.Inputs, list[tuple[int, list[int]]]]:
    """Put the whole conversation into one prompt; say where each answer begins in it."""
    inputs, answers = model.inputs(tiny.pictures("two"), "two"), []
    for sample in conversation():
        if sample.turn > 1:
            inputs = longer(inputs, model.turn(sample.question))
        answer = tokens_of(found[recipe, sample.sample_id])
        answers.append((inputs["input_ids"].shape[1], answer))
        inputs = longer(inputs, answer)
    return inputs, answers


def refuse_other_answers(model: Any, inputs: tiny.Inputs, answers: list[tuple[int, list[int]]]) -> None:
    with torch.inference_mode():
        likeliest = model.model(**inputs, use_cache=False).logits[0].argmax(-1).tolist()
    for start, answer in answers:
        assert answer == likeliest[start - 1 : start - 1 + len(answer)]


@pytest.mark.parametrize("recipe", CACHE)
def test_a_cache_that_was_evicted_once_equals_masking(model: Any, recipe: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if refusal(type(model), model.model.config, parse(recipe)):
        return
    kept: list[Tensor] = []
    monkeypatch.setattr("leanvlm.engine.evict.select", lambda *args: (kept.extend(own := select(*args)), own)[1])
    found = said(model, conversation(), [recipe])
    n_prompt, layers = found[recipe, "c-1"].prompt_tokens, list(model.attention)
    assert len(kept) == len(layers), "the cache is evicted once, after the first question"
    hidden = {
        layer: torch.ones(own.shape[1], n_prompt, dtype=torch.bool).scatter_(1, own[0], False)
        for layer, own in zip(layers, kept, strict=True)
    }
    inputs, answers = read_at_once(model, found, recipe)
    with hiding(model, hidden, n_prompt, also_in_the_prompt=False):
        refuse_other_answers(model, inputs, answers)
    held = [found[recipe, f"c-{turn}"].cache_bytes for turn in (1, 2, 3)]
    of_one = len(layers) * 2 * 2 * 16 * 4  # keys and values of two heads, 16 numbers of four bytes each
    assert held[1] - held[0] == held[2] - held[1] == of_one * (LIMIT + 5)


@pytest.mark.parametrize("recipe", DROPPING)
def test_tokens_that_were_dropped_stay_so(model: Any, recipe: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Convolutions run over what is left, and no mask can say so: they have no such oracle."""
    if len(model.attention) < len(model.text.layers):
        return
    kept: list[Tensor] = []
    decide = dropping.Dropper.decide

    def spy(dropper: Any, *args: Any) -> Tensor:
        left = decide(dropper, *args)
        kept.append(dropper.kept)
        return left

    monkeypatch.setattr(dropping.Dropper, "decide", spy)
    found = said(model, conversation(), [recipe])
    n_prompt, first = found[recipe, "c-1"].prompt_tokens, parse(recipe).parts[0].built.stages(4)
    gone = torch.ones(1, n_prompt, dtype=torch.bool).index_fill_(1, kept[0], False)
    hidden = {layer: gone & (layer >= min(first)) for layer in range(4)}
    inputs, answers = read_at_once(model, found, recipe)
    with hiding(model, hidden, n_prompt, also_in_the_prompt=True):
        refuse_other_answers(model, inputs, answers)


def test_no_answer_depends_on_its_company(either: Any) -> None:
    recipes = [FULL, "cache/snapkv@30%", "controls/blind"]
    asked = [*conversation("two", "a"), *conversation("none", "b")[:1], *conversation("one", "c")[:2]]
    together = said(either, asked, recipes, rows=3)
    assert len(together) == len(asked) * len(recipes)
    for first, n in ((0, TURNS), (TURNS, 1), (TURNS + 1, 2)):
        for recipe in recipes:
            for key, answer in said(either, asked[first : first + n], [recipe]).items():
                assert alike(together[key], answer)


def test_decoded_jointly_they_say_the_same(either: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    recipes = [FULL, "controls/rebatched", "cache/pyramidkv@30%", "cache/kivi@2bit:group=8,residual=8"]
    asked = [*conversation("two", "a"), *conversation("one", "b")]
    expected = said(either, asked, recipes)
    monkeypatch.setitem(decode_module.WAYS, "cpu", JointRows)
    monkeypatch.setitem(laying.LAYING, "cpu", laying.ahead)
    found = said(either, asked, recipes, rows=4)
    assert all(alike(found[key], answer) for key, answer in expected.items())


@pytest.fixture(scope="module")
def qwen() -> Any:
    return talking("qwen2_vl")


def test_limits_and_stop_texts_hold_for_their_turn(qwen: Any) -> None:
    """Nothing that stands behind a stop text is read by the next turn."""
    first, second, _ = conversation()
    whole = tokens_of(said(qwen, [first], [FULL])[FULL, "c-1"])
    stopped = Sample(**vars(first) | {"stop_texts": (str(whole[2]),)})
    short = Sample(**vars(second) | {"max_new_tokens": 2})
    found = said(qwen, [stopped, short], [FULL])
    assert (tokens_of(found[FULL, "c-1"]), found[FULL, "c-1"].finish_reason) == (whole[:2], "stop")
    inputs = longer(qwen.inputs(tiny.pictures("two"), "two"), [*whole[:2], *qwen.turn("2")])
    assert tokens_of(found[FULL, "c-2"]) == generated(qwen, inputs, frozenset())[:2]


def refusals(model: Any, samples: list[Sample]) -> dict[str, str | None]:
    return {key: answer.refusal for (_, key), answer in said(model, samples, [FULL, "controls/blind"]).items()}


def test_a_refused_turn_refuses_the_later_ones(qwen: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which turns fit is the same for all recipes: answers count with as many tokens as they may have."""
    n = qwen.inputs(tiny.pictures("two"), "two")["input_ids"].shape[1]
    for room, fit in ((n + LIMIT - 1, 0), (n + LIMIT, 1), (n + 2 * LIMIT + 5, 2), (n + 3 * LIMIT + 10, 3)):
        monkeypatch.setattr(type(qwen), "context_limit", room)
        found = refusals(qwen, conversation())
        assert [reason is None for reason in (found[f"c-{turn}"] for turn in (1, 2, 3))] == [
            turn <= fit for turn in (1, 2, 3)
        ]
        assert all(reason is None or f"sample 'c-{fit + 1}'" in reason for reason in found.values())


def test_a_turn_that_cannot_be_shown_is_refused_for_each_recipe_once(
    qwen: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def turn(question: str) -> list[int]:
        raise InputError("no second turn")

    monkeypatch.setattr(qwen, "turn", turn)
    found = list(sweep.answer_all(qwen, conversation(), [parse(FULL), parse("controls/blind")], limit=2))
    assert sorted((key, recipe.text) for key, recipe, _ in found) == [
        (f"c-{number}", text) for number in (1, 2, 3) for text in ("controls/blind", FULL)
    ]
    assert {key for key, _, answer in found if answer.refusal} == {"c-2", "c-3"}


def test_a_later_turn_alone_cannot_be_asked(qwen: Any) -> None:
    for asked in (conversation()[1:], [conversation()[0], conversation()[2]]):
        with pytest.raises(InputError, match="turns start at 1 and follow each other"):
            said(qwen, asked, [FULL])
