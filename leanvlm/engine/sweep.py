"""Answer samples with many recipes, sharing what is equal: one vision pass a picture, one prefill a token method.

All cache recipes of a sample select from ONE full cache and decode their own copies, side by side. A recipe's answer is
the same whether it runs alone or in a sweep: tests/engine/test_sweep.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from leanvlm.engine.answer import Answer as Answer
from leanvlm.engine.answer import answer_of, refusal
from leanvlm.engine.conversations import together
from leanvlm.engine.decode.decode import ROWS, decode
from leanvlm.engine.decode.steps import Chosen, DecodeStart, Turn
from leanvlm.engine.laying import LAYING, Refused
from leanvlm.engine.prepare import Prepared, prepare
from leanvlm.engine.refusal import refuse
from leanvlm.engine.tree import share
from leanvlm.engine.vision.features import FeatureStore
from leanvlm.errors import InputError
from leanvlm.models._model import LoadedModel
from leanvlm.recipes import Recipe
from leanvlm.sample import Sample


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
    The turns of a conversation follow each other; each is asked after the recipe's own answers to those before it, of
    the cache that they left, and a refused turn refuses the later ones.

    Raises: InputError for a recipe that the model refuses, and for a later turn without those before it.
    """
    refuse(model, recipes)
    asked = list(together(samples))
    ends = model.stop_ids if stops is None else stops
    rebatched = [recipe for recipe in recipes if recipe.is_rebatched]
    others = [recipe for recipe in recipes if not recipe.is_rebatched]
    for own, side_by_side in ((others, rows), (rebatched, 1)):
        if own:
            yield from _answer_batch(model, asked, own, limit=limit, rows=side_by_side, ends=ends, features=features)


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
    tree, known, refused = share(recipes), list[tuple[Prepared, tuple[Turn, ...]]](), list[Refused]()

    def starts() -> Iterator[DecodeStart]:
        for pieces in LAYING[model.model.device.type](model, samples, tree, limit):
            for one in prepare(model, pieces, features=features):
                if isinstance(one, Refused):
                    refused.append(one)
                else:
                    prepared, start = one
                    known.append((prepared, start.later))
                    yield start

    said = iter(decode(model, starts(), stops=ends, rows=rows))
    for prepared, later in known:
        yield from _answers(model, said, prepared, later, ends)
    yield from ((one.sample_id, one.recipe, refusal(one.reason)) for one in refused)


def _answers(
    model: LoadedModel, said: Iterator[list[Chosen]], prepared: Prepared, later: Sequence[Turn], ends: frozenset[int]
) -> Iterator[tuple[str, Recipe, Answer]]:
    """Yield a recipe's answers to all turns of a conversation."""
    for turn in (*later, None):
        answer = answer_of(model, next(said), prepared, ends)
        yield prepared.sample.sample_id, prepared.recipe, answer
        if turn is not None:
            is_stopped = answer.finish_reason == "stop"
            prepared = prepared.then(turn, n_said=answer.new_tokens - is_stopped)
