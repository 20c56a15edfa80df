"""KVzip: rankings worked by hand, and a repetition that transformers' eager attention reads, on every architecture."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from leanvlm.engine import sweep
from leanvlm.engine.attention.recording import AttentionCall
from leanvlm.engine.prefill import reread as reread_module
from leanvlm.engine.prefill.reread import RepeatRecorder, reread
from leanvlm.engine.prompt import Prompt
from leanvlm.engine.refusal import refusal
from leanvlm.engine.vision.vision_pass import run_vision
from leanvlm.errors import InputError
from leanvlm.methods._method import top
from leanvlm.methods._signals import Signals, Wanted, context
from leanvlm.methods.cache.kvzip import Method
from leanvlm.recipes import parse
from leanvlm.sample import Sample
from tests.models import tiny

PUBLISHED = [0.9, 0.8, 0.8, 0.5, 0.4, 0.3, 0.2, 0.1, 0.05, 0.01]


def signals(repeated: list[list[float]], visual: tuple[int, ...]) -> Signals:
    """Let one layer know what a repetition attends to, a row for each key head."""
    most = torch.tensor([repeated])
    is_visual = torch.zeros(most.shape[2], dtype=torch.bool)
    is_visual[list(visual)] = True
    empty = torch.zeros(1, most.shape[1], most.shape[2], 4)
    return Signals(empty, empty, None, is_visual, 1.0, 0, 1, torch.Generator(), repeated=most)


@pytest.mark.parametrize(("n", "kept"), [(1, [0]), (2, [0, 1]), (3, [0, 1, 2]), (5, [0, 1, 2, 3, 4])])
def test_so_many_are_kept_as_are_asked_for(n: int, kept: list[int]) -> None:
    """Of the published ten the code keeps 1 where 3 are asked, since two of them tie."""
    assert top(torch.tensor(PUBLISHED), n).tolist() == kept
    assert Method(budget=n / 10).per_head([torch.tensor([[PUBLISHED]])], [n]) == [[n]]


def test_heads_that_share_a_key_head_count_by_the_most() -> None:
    rows = torch.tensor([[0.1, 0.7, 0.2], [0.3, 0.3, 0.4]])
    keys = (3**0.5 * torch.eye(3))[None, None]  # a row's logits are then its queries
    behind = torch.cat([keys, torch.zeros(1, 1, 1, 3)], 2)  # the repeated row's own key weighs 1 beside 1 in all
    queries = torch.zeros(1, 2, 4, 3)
    queries[0, :, 3] = rows.log()
    recorder = RepeatRecorder(3)
    recorder.record(AttentionCall(queries, behind, 3**-0.5, None, None))
    assert recorder.most is not None
    assert recorder.most[0, 0].tolist() == pytest.approx([0.15, 0.35, 0.2])


def test_one_more_row_lowers_no_score() -> None:
    lots = torch.Generator().manual_seed(0)
    query, key = torch.randn(1, 4, 90, 8, generator=lots), torch.randn(1, 2, 90, 8, generator=lots)
    before = torch.zeros(1, 2, 10)
    for n in range(11, 91, 7):
        recorder = RepeatRecorder(10)
        recorder.record(AttentionCall(query[:, :, :n], key[:, :, :n], 0.3, None, None))
        assert recorder.most is not None
        assert (recorder.most >= before - 1e-6).all()
        before = recorder.most


def test_layers_and_heads_share_unevenly() -> None:
    """Of two layers of two heads, eight are kept in all; one head has most of the best."""
    first = torch.tensor([[[0.9, 0.8, 0.7, 0.6], [0.1, 0.1, 0.1, 1.5]]])
    second = torch.tensor([[[0.5, 0.1, 0.1, 1.5], [0.2, 0.3, 0.65, 1.5]]])
    assert Method(budget=0.5).per_head([first, second], [2, 2]) == [[4, 1], [1, 2]]
    assert Method(budget=0.5, level="uniform").per_head([first, second], [2, 2]) == [[2, 2], [2, 2]]


@pytest.mark.parametrize(
    ("n", "kept"),
    [(1, [8]), (2, [7, 8]), (3, [0, 7, 8]), (4, [0, 1, 7, 8]), (5, [0, 1, 4, 7, 8]), (7, [0, 1, 2, 4, 6, 7, 8])],
)
def test_text_around_the_pictures_comes_first(n: int, kept: list[int]) -> None:
    """Two words before, two behind; the word between the pictures is read again, as they are."""
    found = signals([[0, 0, 0.3, 0.1, 0.9, 0.2, 0.3, 0, 0]], visual=(2, 3, 5, 6))
    assert context(found.is_visual) == (2, 7)
    assert top(Method(budget=0.5).score(found, n), n)[0].tolist() == [kept]


def test_all_of_a_prompt_without_pictures_is_read_again() -> None:
    assert context(torch.zeros(5, dtype=torch.bool)) == (0, 5)
    found = signals([[0.3, 0.1, 0.9, 0.2, 0.0]], visual=())
    assert top(Method(budget=0.5).score(found, 3), 3)[0].tolist() == [[0, 2, 4]]


@pytest.fixture(scope="module", params=list(tiny.BUILDERS))
def model(request: pytest.FixtureRequest) -> Any:
    return tiny.build(request.param)


def prompt_of(model: Any, name: str = "two") -> Prompt:
    return run_vision(model, model.inputs(tiny.pictures(name), name))


@torch.inference_mode()
def slow(model: Any, prompt: Prompt) -> list[Tensor]:
    """Read the prompt's beginning and its repetition with eager attention; what a model adds, it adds itself."""
    first, end = context(prompt.is_visual)
    index = [*range(end), *range(first, end)]
    shift = int(prompt.positions[..., :end].max()) + 1 - int(prompt.positions[..., first].min())
    moved = prompt.positions[..., index].clone()
    moved[..., end:] += shift
    more: dict[str, Any] = {}
    if prompt.added:
        more["visual_pos_masks"] = prompt.is_visual[index][None]
        more["deepstack_visual_embeds"] = [rows[index][prompt.is_visual[index]] for rows in prompt.added]
    if prompt.masks and (visible := plain(prompt.masks)) is not None:
        seen = torch.ones(len(index), len(index), dtype=torch.bool).tril()
        for row in range(len(index)):
            for column in range(len(index)):
                same = (row < end) == (column < end)
                seen[row, column] |= same and bool(visible[index[row], index[column]])
        hidden = torch.zeros(len(index), len(index)).masked_fill(~seen, float("-inf"))[None, None]
        more["attention_mask"] = dict.fromkeys(prompt.masks, hidden)
    config = model.text.config
    before, config._attn_implementation_internal = config._attn_implementation_internal, "eager"
    try:
        rows = model.text(
            inputs_embeds=prompt.embeds[:, index],
            position_ids=moved,
            use_cache=False,
            output_attentions=True,
            **more,
        ).attentions
    finally:
        config._attn_implementation_internal = before
    return [own[:, :, end:, :end].amax(2).unflatten(1, (2, -1)).amax(2) for own in rows]


def plain(masks: dict[str, Tensor | None]) -> Tensor | None:
    """Take what rows see in all layers, None where that is all before them: a short prompt lies in every window."""
    found = [mask for mask in masks.values() if mask is not None]
    assert all(torch.equal(found[0], mask) for mask in found)
    return found[0][0, 0] if found else None


@pytest.mark.parametrize("name", ["two", "none"])
def test_scores_are_those_of_eager_attention(model: Any, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reread_module, "BLOCK", 7)
    prompt = prompt_of(model, name)
    with torch.inference_mode():
        found = reread(model, prompt)
    end = context(prompt.is_visual)[1]
    for most, expected in zip(found, slow(model, prompt), strict=True):
        torch.testing.assert_close(most[..., :end], expected, atol=1e-5, rtol=1e-4)
        assert not most[..., end:].any()


def test_another_question_changes_no_score(model: Any) -> None:
    prompt = prompt_of(model)
    end = context(prompt.is_visual)[1]
    other = replace(prompt, embeds=prompt.embeds.clone())
    other.embeds[:, end:] = other.embeds[:, end:].flip(1)
    with torch.inference_mode():
        pairs = zip(reread(model, prompt), reread(model, other), strict=True)
        assert all(torch.equal(one, another) for one, another in pairs)


def test_every_turn_of_a_conversation_finds_the_same_of_the_pictures() -> None:
    model: Any = tiny.build("qwen2_vl")
    model.turn = lambda question: tiny.words(5, seed=int(question))[0].tolist()
    turns = [Sample(sample_id="1", question="two", images=tuple(tiny.pictures("two")))]
    turns += [Sample(sample_id=str(turn), question=str(turn), turn=turn) for turn in (2, 3)]
    recipes = [parse(text) for text in ("cache/kvzip@40%", "cache/kvzip@40%:level=uniform", "controls/full")]
    found = {
        (recipe.text, key): answer
        for key, recipe, answer in sweep.answer_all(model, turns, recipes, limit=4, stops=frozenset())
    }
    for recipe in recipes:
        first, *later = (found[recipe.text, str(turn)] for turn in (1, 2, 3))
        assert {answer.cache_kept for answer in later} == {first.cache_kept}
        of_one = first.full_cache_bytes // first.prompt_tokens
        assert [answer.cache_bytes - first.cache_bytes for answer in later] == [9 * of_one, 18 * of_one]


def test_nobody_else_pays_for_it() -> None:
    assert Method(budget=0.5).wants(torch.ones(3, dtype=torch.bool)) == Wanted(repeated=True)
    assert (Wanted(rows=3) | Wanted(repeated=True)) == Wanted(rows=3, repeated=True)
    assert not (Wanted(rows=3) | Wanted(sums=True)).repeated


def test_pictures_that_are_dropped_on_the_way_cannot_be_read_again() -> None:
    model = tiny.build("qwen2_vl")
    kind, config = type(model), model.model.config
    assert "tokens/fastv drops some" in str(refusal(kind, config, parse("tokens/fastv@30%+cache/kvzip@40%")))
    assert refusal(kind, config, parse("tokens/visionzip@30%+cache/kvzip@40%")) is None
    assert refusal(kind, config, parse("tokens/fastv@30%+cache/h2o@40%")) is None


def test_a_level_that_is_none_is_refused() -> None:
    with pytest.raises(InputError, match="has no level 'head'; it has pair, uniform"):
        parse("cache/kvzip@40%:level=head")
