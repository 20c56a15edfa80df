"""DART on eight tokens, of which 0 to 5 are visual: keys by their numbers, states by their angles."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from leanvlm.engine.prefill import prefill
from leanvlm.engine.vision import vision_pass
from leanvlm.methods._method import n_keep, top
from leanvlm.methods._signals import Signals, Wanted
from leanvlm.methods.tokens.dart import Method
from tests.models import tiny

KEYS = ((3, 0), (1, -1), (0, 0.5), (2, 2), (-1, 0.2), (0.3, 0.3), (0, -2.5), (1, 1.4))
ANGLES = (0, 30, 80, 100, 150, 200, 40, 260)


def told(keys: Tensor, states: Tensor, *, visual: tuple[int, ...] = (0, 1, 2, 3, 4, 5)) -> Signals:
    """Let a layer know one head's keys and the states that go on."""
    is_visual = torch.zeros(len(keys), dtype=torch.bool).index_fill(0, torch.tensor(visual), value=True)
    return Signals(
        keys=keys[None, None],
        queries=keys[None, None, -1:],
        sums=None,
        is_visual=is_visual,
        scaling=1.0,
        layer=1,
        n_layers=4,
        generator=torch.Generator(),
        entering=states,
    )


def example() -> Signals:
    angles = torch.deg2rad(torch.tensor(ANGLES, dtype=torch.float32))
    return told(torch.tensor(KEYS), torch.stack([angles.cos(), angles.sin()], -1))


def drawn(n_visual: int = 20, n_text: int = 6) -> Signals:
    generator = torch.Generator().manual_seed(0)
    states = torch.randn(n_visual + n_text + 3, 6, generator=generator)
    return told(torch.randn(states.shape, generator=generator), states, visual=tuple(range(3, 3 + n_visual)))


def kept(given: Signals, n: int, **options: int) -> list[int]:
    """Return what is kept among the visual tokens."""
    n_visual = int(given.is_visual.sum())
    method = Method(budget=n / n_visual, **options)
    assert n_keep(n_visual, method.budget) == n
    return top(method.score(given, None)[given.is_visual], n).tolist()  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("n", "expected"),
    [(1, [3]), (2, [0, 3]), (3, [0, 3, 5]), (4, [0, 3, 4, 5]), (5, [0, 2, 3, 4, 5]), (6, [0, 1, 2, 3, 4, 5])],
)
def test_eight_tokens_with_one_pivot_of_each_kind(n: int, expected: list[int]) -> None:
    """Pivot 3 takes 0, a tie with 5, and then 5; pivot 6 takes 5, or 4 where 5 is gone."""
    assert kept(example(), n, visual=1, text=1) == expected


def test_sizes_are_sums_over_a_keys_numbers_and_heads() -> None:
    assert kept(example(), 3, visual=3, text=0) == [0, 1, 3]
    two_heads = replace(example(), keys=torch.stack([torch.tensor(KEYS), torch.zeros(8, 2)])[None])
    two_heads.keys[0, 1, 2] = 9
    assert kept(two_heads, 1) == [2]


@pytest.mark.parametrize("n", range(1, 21))
def test_the_count_is_exact_and_pivots_stay(n: int) -> None:
    given = drawn()
    sizes = given.keys[0].abs().sum((0, 2))[given.is_visual]
    chosen = kept(given, n)
    assert len(set(chosen)) == n
    assert set(top(sizes, min(n, 4)).tolist()) <= set(chosen)


@pytest.mark.parametrize("n", [5, 7, 12, 17])
def test_loops_choose_the_same(n: int) -> None:
    given = drawn()
    sizes = given.keys[0].abs().sum((0, 2)).tolist()
    visual, text = list(range(3, 23)), list(range(23, 29))
    pivots = sorted(sorted(visual, key=lambda i: -sizes[i])[:4]) + sorted(sorted(text, key=lambda i: -sizes[i])[:4])
    chosen = pivots[:4]
    for turn, pivot in enumerate(pivots):
        for _ in range((n - 4) // 8 + (turn < (n - 4) % 8)):
            states = given.states()
            free = [i for i in visual if i not in chosen]
            chosen.append(min(free, key=lambda i: float(torch.cosine_similarity(states[pivot], states[i], dim=0))))
    assert kept(given, n) == sorted(i - 3 for i in chosen)


def test_there_may_be_less_text_than_pivots_want() -> None:
    assert len(kept(drawn(n_text=1), 9)) == 9
    alone = drawn(n_text=0)
    assert kept(alone, 9) == kept(drawn(n_text=0), 9, text=0)


def test_what_was_taken_last_makes_room_for_another_picture() -> None:
    """The engine lets every picture keep its best token, by raising that token's score."""
    given = example()
    scores = Method(budget=0.5, visual=1, text=1).score(given, None)[:6]
    assert scores.tolist() == [2, 0, 0, 3, 0, 1]
    assert top(scores.index_fill(0, torch.tensor([1]), float("inf")), 3).tolist() == [0, 1, 3]


@pytest.mark.parametrize("architecture", [name for name in tiny.BUILDERS if name != "mllama"])  # none to drop there
def test_states_are_those_that_enter_the_layer_after_the_decoders_own_last_norm(
    architecture: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, seen = tiny.build(architecture), list[Tensor]()
    inputs = model.inputs(tiny.pictures("two"), "two")
    score = Method.score

    def spy(method: Method, given: Signals, before: Tensor | None) -> Tensor:
        seen.append(given.states())
        return score(method, given, before)

    monkeypatch.setattr(Method, "score", spy)
    prompt = vision_pass.run_vision(model, inputs)
    prefill.prefill(model, prompt, wanted=Wanted(), method=Method(budget=0.3), rng=torch.Generator())
    third, last = model.text.layers[2], model.text.layers[-1]
    handles = [
        third.register_forward_pre_hook(lambda _layer, states: seen.append(states[0])),
        last.register_forward_hook(lambda _layer, _args, states: seen.append(states)),
    ]
    with torch.inference_mode():
        logits = model.model(**inputs, use_cache=False).logits
        ours, entering, left = seen
        torch.testing.assert_close(model.head(model.norm(left)), logits)
        torch.testing.assert_close(ours, model.norm(entering)[0])
    for handle in handles:
        handle.remove()
