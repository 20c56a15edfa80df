r"""What a row to train on may look like; the first question and the first answer to it count.

    {"question": "what color?", "answer": "red", "images": ["a.png"]}
    {"image": "a.png", "conversations": [{"from": "human", "value": "<image>\nwhat color?"},
                                         {"from": "gpt", "value": "red"}]}
    {"images": ["a.png"], "messages": [{"role": "user", "content": [{"type": "image"},
                                                                    {"type": "text", "text": "what color?"}]},
                                       {"role": "assistant", "content": "red"}]}

The second is LLaVA's, the third that of chat templates. `image` is one picture, `images` are several, or none: a path
from the file's folder, or in Parquet its bytes, also as {"bytes": ..., "path": ...}. A picture goes where the question
says <image>, or before it. A turn before the first question, such as a system message, is not read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NoReturn

from leanvlm.errors import InputError
from leanvlm.texts import is_storable

COLUMNS = ("question", "answer", "image", "images", "conversations", "messages")
ASKS, ANSWERS = ("human", "user"), ("gpt", "assistant")
PLACE = "<image>"  # in a question: a picture goes here
LONGEST = 100_000  # characters of a text


@dataclass(frozen=True)
class Conversation:
    """One question, the answer to it, and its pictures: their paths or bytes."""

    question: str
    answer: str
    images: tuple[str | bytes, ...]


def conversation(row: object, place: str) -> Conversation:
    """Read one row.

    Raises: InputError, beginning with `place`, for a row without question or answer, or with what is no picture.
    """
    if not isinstance(row, dict):
        _refuse(place, f"is {_kind(row)}; a row is an object with question, answer and images")
    question, answer = _turns(row, place)
    images = _images(row, place)
    if (n := question.count(PLACE)) not in (0, len(images)):
        _refuse(place, f"says {PLACE} {n} times and has {len(images)} pictures; give as many, or leave {PLACE} out")
    return Conversation(question, answer, images)


def _turns(row: dict[str, Any], place: str) -> tuple[str, str]:
    for key, speaker, words in (("conversations", "from", "value"), ("messages", "role", "content")):
        if row.get(key) is not None:
            return _first_pair(row[key], speaker, words, f"{place}: its {key}")
    return _text(row.get("question"), f"{place}: its question"), _text(row.get("answer"), f"{place}: its answer")


def _first_pair(turns: object, speaker: str, words: str, place: str) -> tuple[str, str]:
    if not isinstance(turns, list) or not all(isinstance(turn, dict) for turn in turns):
        _refuse(place, f"are {_kind(turns)}; they must be a list of turns with {speaker!r} and {words!r}")
    said = [turn.get(speaker) for turn in turns]
    asks = next((index for index, who in enumerate(said) if who in ASKS), None)
    if asks is None or said[asks + 1 : asks + 2] == [] or said[asks + 1] not in ANSWERS:
        _refuse(place, f"have no question of {' or '.join(ASKS)} that {' or '.join(ANSWERS)} answers next")
    asked, answered = (turns[index].get(words) for index in (asks, asks + 1))
    return _text(_joined(asked, place), f"{place}: the question"), _text(
        _joined(answered, place), f"{place}: the answer"
    )


def _joined(content: object, place: str) -> object:
    """Write a message's parts as one text, with a mark where a picture goes."""
    if not isinstance(content, list):
        return content
    parts = []
    for part in content:
        kind = part.get("type") if isinstance(part, dict) else None
        if kind not in ("text", "image"):
            _refuse(place, f"have a part of type {str(kind)[:30]!r}; use text and image, with the pictures in `images`")
        parts.append(PLACE if kind == "image" else part.get("text"))
    return "".join(parts) if all(isinstance(text, str) for text in parts) else None


def _text(text: object, place: str) -> str:
    if not isinstance(text, str) or not text.replace(PLACE, "").strip():
        _refuse(place, f"is {'empty' if isinstance(text, str) else _kind(text)}; it must be a text")
    if len(text) > LONGEST or not is_storable(text):
        _refuse(place, f"has more than {LONGEST:,} characters, or half signs; it must be a text that can be stored")
    return text


def _images(row: dict[str, Any], place: str) -> tuple[str | bytes, ...]:
    given = [row[key] for key in ("image", "images") if row.get(key) is not None]
    if len(given) > 1:
        _refuse(place, "has image and images; give the pictures once")
    found = given[0] if given else None
    several = found if isinstance(found, list) else [] if found is None else [found]
    return tuple(_image(image, place) for image in several)


def _image(image: object, place: str) -> str | bytes:
    given = (image.get("bytes") or image.get("path")) if isinstance(image, dict) else image
    if not isinstance(given, str | bytes) or not given:
        _refuse(place, f"has {_kind(image)} for a picture; give a path from the file's folder, or bytes")
    return given


def _kind(value: object) -> str:
    return "missing" if value is None else f"one {type(value).__name__}"


def _refuse(place: str, sentence: str) -> NoReturn:
    raise InputError(f"{place} {sentence}")
