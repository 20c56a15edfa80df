"""The later turns of a conversation: what is read before each answer, and which of them can be asked."""

from __future__ import annotations

from collections.abc import Sequence

from leanvlm.engine.decode.steps import Turn
from leanvlm.engine.naming import naming
from leanvlm.engine.passes import refuse_long
from leanvlm.errors import InputError
from leanvlm.models._model import LoadedModel
from leanvlm.sample import Sample


def later_turns(
    model: LoadedModel, samples: Sequence[Sample], *, n_before: int, limit: int
) -> tuple[tuple[Turn, ...], InputError | None]:
    """Return the turns that can be asked, and why the next one cannot; those behind it are not asked either.

    All recipes are asked the same turns, whatever they say: an answer counts with as many tokens as it may have.

    Takes: n_before, the most tokens of the first prompt and its answer; limit, the most tokens of an answer whose
    sample has no limit of its own.
    """
    turns: list[Turn] = []
    for sample in samples:
        most = sample.max_new_tokens or limit
        try:
            with naming(sample, ()):
                ids = model.turn(sample.question)
                refuse_long(model, n_before + len(ids), most)
        except InputError as error:
            return tuple(turns), error
        turns.append(Turn(sample, tuple(ids), most))
        n_before += len(ids) + most
    return tuple(turns), None
