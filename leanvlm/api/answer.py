"""`leanvlm.answer`: one question, or several in one conversation; one recipe."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import overload

from PIL import Image

from leanvlm import pictures
from leanvlm.api._recipes import for_loaded
from leanvlm.engine.sweep import Answer, answer_all
from leanvlm.errors import InputError
from leanvlm.models._model import LoadedModel
from leanvlm.recipes import FULL
from leanvlm.sample import Sample

Picture = Image.Image | str | Path


@overload
def answer(
    model: LoadedModel,
    images: Sequence[Picture],
    question: str,
    *,
    recipe: str = ...,
    max_new_tokens: int = ...,
    fps: float | None = ...,
) -> Answer: ...


@overload
def answer(
    model: LoadedModel,
    images: Sequence[Picture],
    question: list[str],
    *,
    recipe: str = ...,
    max_new_tokens: int = ...,
    fps: float | None = ...,
) -> list[Answer]: ...


def answer(
    model: LoadedModel,
    images: Sequence[Picture],
    question: str | list[str],
    *,
    recipe: str = FULL,
    max_new_tokens: int = 64,
    fps: float | None = None,
) -> Answer | list[Answer]:
    """Answer one question about one to many pictures, or none, greedily; or a list of them, one after the other.

    A later question is asked after the model's own answers to those before it, of what the recipe kept for the first.

    Takes: images, pictures or the paths of their files; max_new_tokens, the most of each answer; fps, set where the
    pictures are the frames of one video.

    Returns: what the model said (`str` of it, or `.answer`), why it ended, and what the recipe really kept; a list of
    that for a list of questions.

    Raises: InputError for a recipe that the model refuses or that acts on the weights, a picture that cannot be read,
    a prompt that does not fit, and a chat template that takes no second question.

    >>> from leanvlm import load
    >>> model = load("artifacts/models/embedded")
    >>> print(answer(model, [Image.new("RGB", (144, 144), "red")], "what color is the shape?", max_new_tokens=4))
    red
    >>> page = Image.new("RGB", (144, 144), "red")
    >>> said = answer(model, [page], ["what color is the shape?", "is there a red shape?"], recipe="cache/snapkv@20%")
    >>> [one.finish_reason for one in said]
    ['stop', 'stop']
    """
    [parsed] = for_loaded([recipe])
    if not isinstance(max_new_tokens, int) or max_new_tokens < 1:
        raise InputError(f"max_new_tokens is {max_new_tokens!r}; it must be a whole number, 1 or more")
    questions = [question] if isinstance(question, str) else question
    if not questions:
        raise InputError("there is no question; ask one or more")
    if not isinstance(questions, Sequence) or not all(isinstance(one, str) for one in questions):
        raise InputError(f"the question is {questions!r}; ask a text, or a list of them")
    if isinstance(images, Picture | bytes) or not isinstance(images, Sequence):
        raise InputError(f"images is one {type(images).__name__}; give a list of pictures, also of one")
    first = Sample(sample_id="", question=questions[0], images=tuple(map(_picture, images)), fps=fps)
    later = [Sample(sample_id=f"turn {turn}", question=text, turn=turn) for turn, text in enumerate(questions[1:], 2)]
    found = [said for *_, said in answer_all(model, [first, *later], [parsed], limit=max_new_tokens, rows=1)]
    if reason := next((said.refusal for said in found if said.refusal), None):
        raise InputError(reason)
    return found[0] if isinstance(question, str) else found


def _picture(image: Picture) -> Image.Image:
    if isinstance(image, str | Path):
        return pictures.read(Path(image))
    if not isinstance(image, Image.Image):
        raise InputError(f"a picture is one {type(image).__name__}; give a PIL.Image, or the path of a file")
    try:
        return pictures.shown(image)
    except InputError as error:
        raise InputError(f"the picture {error}") from None
