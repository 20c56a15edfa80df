"""One recipe under one condition, and the full model under the same; measured in rounds over all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from leanvlm.clock.conditions import Condition
from leanvlm.clock.pairs import pair
from leanvlm.clock.power import watts
from leanvlm.clock.run import Seconds, run
from leanvlm.clock.steadiness import Reference
from leanvlm.clock.work import Work, count
from leanvlm.engine.passes import count_tokens
from leanvlm.models._model import LoadedModel
from leanvlm.recipes import FULL, Recipe, parse

FULL_MODEL = parse(FULL)


@dataclass(frozen=True)
class Timer:
    """What is measured: `mine` and `full` answer once and return the seconds; tokens are those of the whole batch."""

    recipe: Recipe
    condition: Condition
    prompt_tokens: int
    visual_tokens: int
    mine: Callable[[], Seconds]
    full: Callable[[], Seconds]
    work: Callable[[], tuple[Work, Work]]  # the recipe's, and the full model's


@dataclass(frozen=True)
class Measured:
    """One measurement: the recipe's seconds, the full model's, those of the reference work before, the watts after."""

    timer: Timer
    repeat: int
    mine: Seconds
    full: Seconds
    reference: float
    watts: float | None


def timer(model: LoadedModel, full: LoadedModel, recipe: Recipe, condition: Condition) -> Timer:
    """Make one; `full` holds the untouched weights.

    Raises: InputError for a prompt that is too long for the model.
    """
    shapes = [
        count_tokens(full, full.inputs_for(full.shown(one), one.question, one.fps)["input_ids"], condition.new_tokens)
        for one in condition.samples
    ]
    sides = ((model, recipe), (full, FULL_MODEL))
    mine, reference = (partial(run, on, condition.samples, one, new_tokens=condition.new_tokens) for on, one in sides)
    return Timer(
        recipe=recipe,
        condition=condition,
        prompt_tokens=sum(n for n, _ in shapes),
        visual_tokens=sum(n for _, n in shapes),
        mine=mine,
        full=reference,
        work=lambda: (count(model, condition.samples, recipe), count(full, condition.samples, FULL_MODEL)),
    )


def warm_up(timers: Sequence[Timer]) -> None:
    """Run the first of each recipe and kind of condition once, unmeasured."""
    for one in warming(timers):
        one.mine()
        one.full()


def rounds(timers: Sequence[Timer], reference: Reference, *, repeats: int, first: int) -> Iterator[Measured]:
    """Measure in rounds: what slows the machine for a minute then slows one repeat of each recipe.

    Takes: first, a number that is odd where the full model goes first, so that processes alternate too.
    """
    for repeat in range(repeats):
        for number, one in enumerate(timers):
            seconds = reference.seconds()
            mine, full = pair(one.full, one.mine, repeat=first + repeat + number)
            yield Measured(one, repeat, mine, full, seconds, watts(reference.device))


def warming(timers: Sequence[Timer]) -> list[Timer]:
    """Choose who warms up: the first of each recipe and kind of condition."""
    found: dict[tuple[object, ...], Timer] = {}
    for one in timers:
        asked = one.condition
        kind = (asked.axis, len(asked.samples), asked.new_tokens, len(asked.samples[0].images))
        found.setdefault((one.recipe.text, *kind), one)
    return list(found.values())
