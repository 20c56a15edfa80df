"""What may stand in a cell of a row, whoever reads it: a text, and pictures by their names or bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from leanvlm.errors import InputError
from leanvlm.texts import is_storable

PLACE = "<image>"  # in a question: a picture goes here
LONGEST = 100_000  # characters of a text


def text(value: object, place: str) -> str:
    """Read a text that says something.

    Raises: InputError, beginning with `place`.
    """
    if not isinstance(value, str) or not value.replace(PLACE, "").strip():
        refuse(place, f"is {'empty' if isinstance(value, str) else kind(value)}; it must be a text")
    if len(value) > LONGEST or not is_storable(value):
        refuse(place, f"has more than {LONGEST:,} characters, or half signs or a NUL; it must be a text that can be "
                      "stored")  # fmt: skip
    return value


def images(row: Mapping[str, Any], place: str) -> tuple[str | bytes, ...]:
    """Read the pictures of `image` or `images`: none, one or several.

    Raises: InputError for what is no picture.
    """
    given = [row[key] for key in ("image", "images") if row.get(key) is not None]
    if len(given) > 1:
        refuse(place, "has image and images; give the pictures once")
    found = given[0] if given else None
    several = found if isinstance(found, list) else [] if found is None else [found]
    return tuple(_image(one, place) for one in several)


def refuse_misplaced(question: str, n_images: int, place: str) -> None:
    """Refuse a question that gives places to more or fewer pictures than there are.

    Raises: InputError.
    """
    if (n := question.count(PLACE)) not in (0, n_images):
        refuse(place, f"says {PLACE} {n} times and has {n_images} pictures; give as many, or leave {PLACE} out")


def kind(value: object) -> str:
    """Name what stands where something else should."""
    return "missing" if value is None else f"one {type(value).__name__}"


def refuse(place: str, sentence: str) -> NoReturn:
    """Raise the sentence about a place."""
    raise InputError(f"{place} {sentence}")


def _image(image: object, place: str) -> str | bytes:
    given = (image.get("bytes") or image.get("path")) if isinstance(image, dict) else image
    if not isinstance(given, str | bytes) or not given:
        refuse(place, f"has {kind(image)} for a picture; give a path from the file's folder, or bytes")
    return given
