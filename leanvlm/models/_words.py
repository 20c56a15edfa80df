"""The words of a prompt: where a sample's pictures stand among them, and whether a chat template shows both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from leanvlm.errors import InputError

PLACE = "<image>"  # in a question: a picture goes here
PROBE = "leanvlm"  # a word that a template has no reason to change


def content(n: int, question: str) -> list[dict[str, str]]:
    """Lay out a message: pictures before the question, or each where the question says <image>.

    Raises: InputError for a question with other than as many places as pictures, if it has any.
    """
    words = question.split(PLACE)
    if len(words) == 1:
        return [{"type": "image"}] * n + [{"type": "text", "text": question}]
    if len(words) - 1 != n:
        raise InputError(f"the question has {len(words) - 1} {PLACE} and there are {n} pictures; write one where each "
                         "picture goes, or none, and they stand before the question")  # fmt: skip
    laid: list[dict[str, str]] = []
    for place, text in enumerate(words):
        laid += [{"type": "image"}] if place else []
        laid += [{"type": "text", "text": text}] if text.strip() else []
    return laid


def words_of(laid: list[dict[str, str]]) -> str:
    """Join a message's words, without its pictures."""
    return "\n".join(part["text"] for part in laid if part["type"] == "text")


def without_places(question: str) -> str:
    """Leave out where pictures would go."""
    return question.replace(PLACE, "")


def refuse_template(processor: Any, folder: Path) -> None:
    """Refuse a chat template that cannot show a message of a picture and words.

    Raises: InputError.
    """
    try:
        text = processor.apply_chat_template([{"role": "user", "content": content(1, PROBE)}])
    except Exception as error:  # a template can fail in any way
        reason = " ".join(str(error).split())[:80].rstrip(".") or type(error).__name__
        raise _takes_no_list(folder, reason) from None
    if PROBE not in text or "'type'" in text or '"type"' in text:
        raise _takes_no_list(folder, "it shows no words" if PROBE not in text else "it prints the list")


def _takes_no_list(folder: Path, reason: str) -> InputError:
    return InputError(f"the chat template of {folder} takes no list of pictures and words ({reason}); put the "
                      "chat_template.jinja of its processor beside the checkpoint")  # fmt: skip
