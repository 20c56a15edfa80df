"""One recipe under one condition, and the full model under the same; measured in rounds over all of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from leanvlm.clock.conditions import Condition
from leanvlm.clock.pairs import pair
from leanvlm.clock.power import watts
from leanvlm.clock.run import Seconds, run
from leanvlm.clock.steadiness import Reference
from leanvlm.clock.work import Work, count
from leanvlm.engine.passes import count_tokens
from leanvlm.models._model import LoadedModel
from leanvlm.recipes import FULL, Recipe, parse
from leanvlm.sample import Sample

FULL_MODEL = parse(FULL)


@dataclass(frozen=True)
class Witness:
    """The full model under one condition; its prompts' tokens and its work are found once, for all recipes."""

    model: LoadedModel
    condition: Condition

    @cached_property
    def tokens(self) -> tuple[int, int]:
        """Tokens of the whole batch, and the visual ones among them.

        Raises: InputError for a prompt that is too long for the model.
        """
        counted = [self._count(sample) for sample in self.condition.samples]
        return sum(n for n, _ in counted), sum(n for _, n in counted)

    def _count(self, sample: Sample) -> tuple[int, int]:
        inputs = self.model.inputs_for(self.model.shown(sample), sample.question, sample.fps)
        return count_tokens(self.model, inputs, self.condition.new_tokens)

    @cached_property
    def work(self) -> Work:
        """What the full model asks for; to count it is to run it once."""
        return count(self.model, self.condition.samples, FULL_MODEL)

    def seconds(self) -> Seconds:
        """Answer once."""
        return run(self.model, self.condition.samples, FULL_MODEL, new_tokens=self.condition.new_tokens)


@dataclass(frozen=True)
class Timer:
    """One recipe beside the full model, on the weights that it runs on."""

    model: LoadedModel
    recipe: Recipe
    full: Witness

    def seconds(self) -> Seconds:
        """Answer once."""
        asked = self.full.condition
        return run(self.model, asked.samples, self.recipe, new_tokens=asked.new_tokens)

    def work(self) -> Work:
        """Count what the recipe asks for; to count it is to run it once."""
        return count(self.model, self.full.condition.samples, self.recipe)


@dataclass(frozen=True)
class Measured:
    """One measurement: the recipe's seconds, the full model's, those of the reference work before, the watts after."""

    timer: Timer
    mine: Seconds
    full: Seconds
    reference: float
    watts: float | None


def warm_up(timers: Sequence[Timer]) -> None:
    """Run the first of each recipe and kind of condition once, unmeasured."""
    for one in warming(timers):
        one.seconds()
        one.full.seconds()


def rounds(timers: Sequence[Timer], reference: Reference, *, repeats: int, first: int) -> Iterator[Measured]:
    """Measure in rounds: what slows the machine for a minute then slows one repeat of each recipe.

    Takes: first, a number that is odd where the full model goes first, so that processes alternate too.
    """
    for repeat in range(repeats):
        for number, one in enumerate(timers):
            seconds = reference.seconds()
            mine, full = pair(one.full.seconds, one.seconds, repeat=first + repeat + number)
            yield Measured(one, mine, full, seconds, watts(reference.device))


def warming(timers: Sequence[Timer]) -> list[Timer]:
    """Choose who warms up: the first of each recipe and kind of condition."""
    found: dict[tuple[object, ...], Timer] = {}
    for one in timers:
        asked = one.full.condition
        kind = (
            asked.axis,
            len(asked.samples),
            asked.new_tokens,
            *(image.size for image in asked.samples[0].pictures()),
        )
        found.setdefault((one.recipe.text, *kind), one)
    return list(found.values())
