"""Lay a sample out for a model, CPU work: decode its pictures, change them where an image method does, make tensors.

On a CPU each piece is made when it is its turn, since all cores are taken. On CUDA threads lay out the next samples
while the model is at this one; they touch no GPU, so that they cannot get into a launch that is being captured.
A sample that cannot be asked is refused for the recipes that it concerns, and nobody else is kept from asking.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from queue import SimpleQueue

from PIL.Image import Image
from torch import Tensor

from leanvlm.engine.decode.steps import Turn
from leanvlm.engine.naming import naming
from leanvlm.engine.passes import count_tokens, show
from leanvlm.engine.tree import Branch
from leanvlm.engine.turns import later_turns
from leanvlm.errors import InputError
from leanvlm.models._model import LoadedModel
from leanvlm.models._words import without_places
from leanvlm.recipes import Recipe
from leanvlm.sample import Sample

AHEAD = 8  # samples that are laid out and wait; one can take a hundred megabytes


@dataclass(frozen=True)
class Laid:
    """A sample as the recipes of one branch show it, beside the counts of the original prompt."""

    sample: Sample
    branch: Branch
    inputs: dict[str, Tensor]
    prompt_tokens: int
    visual_tokens: int
    limit: int  # most tokens of the answer
    later: tuple[Turn, ...]  # of the same conversation
    area: float  # share of the pixels that is shown
    has_images: bool


@dataclass(frozen=True)
class Refused:
    """A sample that a recipe cannot be asked, and why."""

    sample_id: str
    recipe: Recipe
    reason: str


Pieces = Iterable[Laid | Refused]
Lay = Callable[[LoadedModel, Sequence[Sample], Sequence[Branch], int], Iterator[Pieces]]


def lay(model: LoadedModel, sample: Sample, tree: Sequence[Branch], limit: int) -> Iterator[Laid | Refused]:
    """Yield a sample as each branch shows it.

    Takes: limit, the most tokens of its answer, where the sample has no limit of its own.

    Refused is what the processor cannot take, and a prompt that does not fit together with the longest answer; of a
    conversation, all turns behind it too.
    """
    most = sample.max_new_tokens or limit
    try:
        images = model.shown(sample)
        whole = _inputs(model, sample, images)
        with naming(sample, images):
            counts = count_tokens(model, whole, most)
    except InputError as error:
        yield from refused(sample, tree, error)
        return
    later, reason = later_turns(model, sample.later, n_before=counts[0] + most, limit=limit)
    if reason is not None:
        for turn in sample.later[len(later) :]:
            yield from refused(turn, tree, reason)
        sample = replace(sample, later=sample.later[: len(later)])
    for branch in tree:
        try:
            shown = show(branch.part, images)
            inputs = whole if shown is images else _inputs(model, sample, shown)
        except InputError as error:
            yield from refused(sample, [branch], error)
            continue
        area = _area(shown) / _area(images) if images else 1.0
        yield Laid(sample, branch, inputs, *counts, limit=most, later=later, area=area, has_images=bool(images))


def in_turn(model: LoadedModel, samples: Sequence[Sample], tree: Sequence[Branch], limit: int) -> Iterator[Pieces]:
    """Lay out each sample when it is asked for, branch by branch."""
    return (lay(model, sample, tree, limit) for sample in samples)


def ahead(model: LoadedModel, samples: Sequence[Sample], tree: Sequence[Branch], limit: int) -> Iterator[Pieces]:
    """Lay out the next samples in threads, AHEAD of them at most, and yield them in order."""
    free: SimpleQueue[LoadedModel] = SimpleQueue()
    for clerk in model.clerks:
        free.put(clerk)

    def work(sample: Sample) -> list[Laid | Refused]:
        clerk = free.get()
        try:
            return list(lay(clerk, sample, tree, limit))
        finally:
            free.put(clerk)

    pool = ThreadPoolExecutor(len(model.clerks))
    waiting: deque[Future[list[Laid | Refused]]] = deque()
    try:
        for sample in samples:
            waiting.append(pool.submit(work, sample))
            if len(waiting) > AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


LAYING: dict[str, Lay] = {"cpu": in_turn, "cuda": ahead}  # by the model's device


def refused(sample: Sample, branches: Sequence[Branch], error: InputError) -> Iterator[Refused]:
    """Refuse a sample, and the turns behind it, for all recipes of some branches."""
    for turn in (sample, *sample.later):
        for branch in branches:
            yield from (Refused(turn.sample_id, recipe, str(error)) for recipe in branch.recipes)


def _inputs(model: LoadedModel, sample: Sample, images: Sequence[Image]) -> dict[str, Tensor]:
    with naming(sample, images):
        question = sample.question if images else without_places(sample.question)
        return model.inputs_for(images, question, sample.fps)


def _area(images: Sequence[Image]) -> int:
    return sum(image.width * image.height for image in images)
