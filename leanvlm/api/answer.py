"""`leanvlm.answer`: one question, one recipe."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from leanvlm import pictures
from leanvlm.api._recipes import for_loaded
from leanvlm.engine.sweep import Answer, answers_to
from leanvlm.errors import InputError
from leanvlm.models._model import LoadedModel
from leanvlm.recipes import FULL
from leanvlm.sample import Sample


def answer(
    model: LoadedModel,
    images: Sequence[Image.Image | str | Path],
    question: str,
    *,
    recipe: str = FULL,
    max_new_tokens: int = 64,
    fps: float | None = None,
) -> Answer:
    """Answer one question about one to many pictures, or none, greedily.

    Takes: images, pictures or the paths of their files; fps, set where they are the frames of one video.

    Returns: what the model said (`str` of it, or `.answer`), why it ended, and what the recipe really kept.

    Raises: InputError for a recipe that the model refuses or that acts on the weights, a picture that cannot be read,
    and a prompt that does not fit.

    >>> from leanvlm import load
    >>> model = load("artifacts/models/embedded")
    >>> print(answer(model, [Image.new("RGB", (144, 144), "red")], "what color is the shape?", max_new_tokens=4))
    red
    """
    [parsed] = for_loaded([recipe])
    if max_new_tokens < 1:
        raise InputError(f"max_new_tokens is {max_new_tokens}; it must be 1 or more")
    sample = Sample(sample_id="", question=question, images=tuple(map(_picture, images)), fps=fps)
    return answers_to(model, sample, [parsed], limit=max_new_tokens, rows=1)[parsed.text]


def _picture(image: Image.Image | str | Path) -> Image.Image:
    if not isinstance(image, Image.Image):
        return pictures.read(Path(image))
    try:
        return pictures.shown(image)
    except InputError as error:
        raise InputError(f"the picture {error}") from None
