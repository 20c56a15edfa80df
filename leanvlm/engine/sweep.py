"""Answer samples with many recipes, sharing what is equal: one vision pass a picture, one prefill a token method.

All cache recipes of a sample select from ONE full cache and decode their own copies, side by side. A recipe's answer is
the same whether it runs alone or in a sweep: tests/engine/test_sweep.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from leanvlm.engine.decode import ROWS, decode
from leanvlm.engine.features import FeatureStore
from leanvlm.engine.laying import LAYING, Refused
from leanvlm.engine.prepare import Prepared, prepare
from leanvlm.engine.refusal import refuse
from leanvlm.engine.steps import DecodeStart
from leanvlm.engine.tree import share
from leanvlm.errors import InputError
from leanvlm.models._model import LoadedModel
from leanvlm.recipes import Recipe
from leanvlm.sample import Sample


@dataclass(frozen=True)
class Answer:
    """What one recipe said, and what it really kept: see leanvlm/tables/answers.py for units."""

    answer: str
    new_tokens: int
    finish_reason: str
    prompt_tokens: int
    visual_tokens: int
    visual_runs: int
    visual_tokens_kept: float
    cache_bytes: int
    full_cache_bytes: int
    cache_kept: float
    image_kept: float
    tokens_kept: float
    kept_centers: bytes | None  # see centers.py
    refusal: str | None = None

    def __str__(self) -> str:
        return self.answer


def answer_all(
    model: LoadedModel,
    samples: Sequence[Sample],
    recipes: Sequence[Recipe],
    *,
    limit: int,
    rows: int = ROWS,
    stops: frozenset[int] | None = None,
    features: FeatureStore | None = None,
) -> Iterator[tuple[str, Recipe, Answer]]:
    """Yield (sample_id, recipe, answer) for every sample and recipe.

    Recipes must share their weights, which `model` holds. Prompts are read one by one, so none is padded; answers of
    all samples and recipes are decoded side by side; on a CPU none depends on its batch.

    Takes: limit, the most new tokens of an answer, where a sample has no limit of its own; rows, how many answers are
    decoded side by side; stops, the tokens that end an answer, the model's own by default; features, where vision
    passes are kept for other checkpoints.

    A sample that the model cannot take, as a prompt that does not fit, is answered by a refusal and counts as wrong.

    Raises: InputError for a recipe that the model refuses.
    """
    refuse(model, recipes)
    ends = model.stop_ids if stops is None else stops
    rebatched = [recipe for recipe in recipes if recipe.is_rebatched]
    others = [recipe for recipe in recipes if not recipe.is_rebatched]
    for own, side_by_side in ((others, rows), (rebatched, 1)):
        if own:
            yield from _answer_batch(model, samples, own, limit=limit, rows=side_by_side, ends=ends, features=features)


def answers_to(
    model: LoadedModel,
    sample: Sample,
    recipes: Sequence[Recipe],
    *,
    limit: int,
    rows: int = ROWS,
    stops: frozenset[int] | None = None,
) -> dict[str, Answer]:
    """Return every recipe's answer to one sample, by the recipe's text; see `answer_all`.

    Raises: InputError for a sample that the model cannot take, and as `answer_all`.
    """
    found = {}
    for _, recipe, answer in answer_all(model, [sample], recipes, limit=limit, rows=rows, stops=stops):
        if answer.refusal is not None:
            raise InputError(answer.refusal)
        found[recipe.text] = answer
    return found


def _answer_batch(
    model: LoadedModel,
    samples: Sequence[Sample],
    recipes: Sequence[Recipe],
    *,
    limit: int,
    rows: int,
    ends: frozenset[int],
    features: FeatureStore | None,
) -> Iterator[tuple[str, Recipe, Answer]]:
    tree, known, refused = share(recipes), list[Prepared](), list[Refused]()

    def starts() -> Iterator[DecodeStart]:
        for pieces in LAYING[model.model.device.type](model, samples, tree, limit):
            for one in prepare(model, pieces, features=features):
                if isinstance(one, Refused):
                    refused.append(one)
                else:
                    known.append(one[0])
                    yield one[1]

    for prepared, answered in zip(known, decode(model, starts(), stops=ends, rows=rows), strict=True):
        yield prepared.sample.sample_id, prepared.recipe, _answer(model, answered, prepared, ends)
    yield from ((one.sample_id, one.recipe, _refusal(one.reason)) for one in refused)


def _answer(model: LoadedModel, tokens: list[int], prepared: Prepared, ends: frozenset[int]) -> Answer:
    said = model.tokenizer.decode(tokens, skip_special_tokens=True)
    kept = min((said.split(text, 1)[0] for text in prepared.sample.stop_texts), key=len, default=said)
    return Answer(
        answer=kept.strip(),
        new_tokens=len(tokens),
        finish_reason="stop" if tokens[-1] in ends or kept != said else "length",
        prompt_tokens=prepared.prompt_tokens,
        visual_tokens=prepared.visual_tokens,
        visual_runs=prepared.visual_runs,
        visual_tokens_kept=prepared.visual_tokens_kept,
        cache_bytes=prepared.size.cache_bytes,
        full_cache_bytes=prepared.position_bytes * prepared.prompt_tokens,
        cache_kept=prepared.size.share,
        image_kept=prepared.image_kept,
        tokens_kept=prepared.tokens_kept,
        kept_centers=prepared.kept_centers,
    )


def _refusal(reason: str) -> Answer:
    """Stand for the answer of a model that was not asked: nothing was said, read or kept."""
    return Answer("", 0, "refused", 0, 0, 0, 0.0, 0, 0, 0.0, 0.0, 0.0, None, refusal=reason)
