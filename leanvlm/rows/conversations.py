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
from typing import Any

from leanvlm.rows import cells
from leanvlm.rows.cells import PLACE, kind, refuse, text

COLUMNS = ("question", "answer", "image", "images", "conversations", "messages")
ASKS, ANSWERS = ("human", "user"), ("gpt", "assistant")


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
        refuse(place, f"is {kind(row)}; a row is an object with question, answer and images")
    question, answer = _turns(row, place)
    images = cells.images(row, place)
    cells.refuse_misplaced(question, len(images), place)
    return Conversation(question, answer, images)


def _turns(row: dict[str, Any], place: str) -> tuple[str, str]:
    for key, speaker, words in (("conversations", "from", "value"), ("messages", "role", "content")):
        if row.get(key) is not None:
            return _first_pair(row[key], speaker, words, f"{place}: its {key}")
    return text(row.get("question"), f"{place}: its question"), text(row.get("answer"), f"{place}: its answer")


def _first_pair(turns: object, speaker: str, words: str, place: str) -> tuple[str, str]:
    if not isinstance(turns, list) or not all(isinstance(turn, dict) for turn in turns):
        refuse(place, f"are {kind(turns)}; they must be a list of turns with {speaker!r} and {words!r}")
    said = [turn.get(speaker) for turn in turns]
    asks = next((index for index, who in enumerate(said) if who in ASKS), None)
    if asks is None or said[asks + 1 : asks + 2] == [] or said[asks + 1] not in ANSWERS:
        refuse(place, f"have no question of {' or '.join(ASKS)} that {' or '.join(ANSWERS)} answers next")
    asked, answered = (turns[index].get(words) for index in (asks, asks + 1))
    return text(_joined(asked, place), f"{place}: the question"), text(_joined(answered, place), f"{place}: the answer")


def _joined(content: object, place: str) -> object:
    """Write a message's parts as one text, with a mark where a picture goes."""
    if not isinstance(content, list):
        return content
    parts = []
    for part in content:
        type_ = part.get("type") if isinstance(part, dict) else None
        if type_ not in ("text", "image"):
            refuse(place, f"have a part of type {str(type_)[:30]!r}; use text and image, with the pictures in `images`")
        parts.append(PLACE if type_ == "image" else part.get("text"))
    return "".join(parts) if all(isinstance(part, str) for part in parts) else None
