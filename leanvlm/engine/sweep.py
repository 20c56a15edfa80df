"""Answer samples with many recipes, sharing what is equal: one vision pass a picture, one prefill a token method.

All cache recipes of a sample select from ONE full cache and decode their own copies, side by side. A recipe's answer is
the same whether it runs alone or in a sweep: tests/engine/test_sweep.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from PIL.Image import Image

from leanvlm.engine.decode import ROWS, Start, decode
from leanvlm.engine.reading import Question, Started, starts
from leanvlm.engine.refusal import refuse
from leanvlm.models._model import LoadedModel
from leanvlm.recipes import Recipe


@dataclass(frozen=True)
class Answer:
    """What one recipe said, and what it really kept: see leanvlm/tables/answers.py for units."""

    answer: str
    new_tokens: int
    finish_reason: str
    prompt_tokens: int
    visual_tokens: int
    visual_tokens_kept: float
    cache_bytes: int
    full_cache_bytes: int
    cache_kept: float
    kept_centers: list[dict[str, float]] | None
    achieved: dict[str, float]  # per kind that a part acts on, its achieved budget


def answer(
    model: LoadedModel,
    images: Sequence[Image],
    question: str,
    sample_id: str,
    recipes: Sequence[Recipe],
    *,
    limit: int,
    stops: frozenset[int] | None = None,
    fps: float | None = None,
) -> Iterator[tuple[Recipe, Answer]]:
    """Yield every recipe's answer to one question; see `answer_all` and `Question`."""
    asked = [Question(sample_id, question, images, fps)]
    for _, recipe, found in answer_all(model, asked, recipes, limit=limit, stops=stops):
        yield recipe, found


def answer_all(
    model: LoadedModel,
    asked: Sequence[Question],
    recipes: Sequence[Recipe],
    *,
    limit: int,
    rows: int = ROWS,
    stops: frozenset[int] | None = None,
) -> Iterator[tuple[str, Recipe, Answer]]:
    """Yield (sample_id, recipe, answer) for every question and recipe.

    Recipes must share their weights, which `model` holds. Prompts are read one by one, so none is padded; answers of
    all questions and recipes are decoded side by side, and none depends on its company.

    Takes: rows, how many are decoded side by side; stops, the tokens that end an answer, the model's own by default.
    Raises: InputError for a recipe that the model refuses, and for a prompt that does not fit.
    """
    refuse(model, recipes)
    ends = model.stop_ids if stops is None else stops
    rebatched = [recipe for recipe in recipes if recipe.is_rebatched]
    others = [recipe for recipe in recipes if not recipe.is_rebatched]
    yield from _answer_batch(model, asked, others, limit, rows, ends)
    yield from _answer_batch(model, asked, rebatched, limit, 1, ends)


def _answer_batch(
    model: LoadedModel,
    asked: Sequence[Question],
    recipes: Sequence[Recipe],
    limit: int,
    rows: int,
    ends: frozenset[int],
) -> Iterator[tuple[str, Recipe, Answer]]:
    drawn: list[Started] = []

    def drawn_starts() -> Iterator[Start]:
        for question in asked if recipes else ():
            for started, start in starts(model, question, recipes, limit):
                drawn.append(started)
                yield start

    tokens = decode(model, drawn_starts(), stops=ends, limit=limit, rows=rows)
    for started, answered in zip(drawn, tokens, strict=True):
        reason = "stop" if answered[-1] in ends else "length"
        yield started.sample_id, started.recipe, _answer(model, answered, started, reason)


def _answer(model: LoadedModel, tokens: list[int], started: Started, reason: str) -> Answer:
    return Answer(
        answer=model.tokenizer.decode(tokens, skip_special_tokens=True).strip(),
        new_tokens=len(tokens),
        finish_reason=reason,
        prompt_tokens=started.prompt_tokens,
        visual_tokens=started.visual_tokens,
        visual_tokens_kept=started.visual_tokens_kept,
        cache_bytes=started.held.cache_bytes,
        full_cache_bytes=started.position_bytes * started.prompt_tokens,
        cache_kept=started.held.share,
        kept_centers=started.kept_centers,
        achieved=started.achieved,
    )
