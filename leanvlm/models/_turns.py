"""What a chat template puts between an answer and the next one: the end of one turn and the question of the next.

A conversation is rendered without the next turn and with it; what is added is tokenised where it stands. A template
that renders earlier turns in another way once more follow cannot go on from a cache that holds them.
"""

from __future__ import annotations

from typing import Any

from leanvlm.errors import InputError
from leanvlm.models._words import PROBE, content

Message = dict[str, Any]


def between(processor: Any, question: str) -> list[int]:
    """Return the tokens from behind an answer's last word to the next answer, a question without pictures among them.

    Raises: InputError for a template whose rendering does not go on from the turn before.
    """
    asked = [_message("user", PROBE)]
    before = _rendered(processor, asked)
    whole = _rendered(processor, [*asked, _message("assistant", PROBE), _message("user", question)])
    added = whole[len(before) :].lstrip()  # blanks before its first word are part of an answer
    if not whole.startswith(before) or not added.startswith(PROBE):
        raise _cannot_go_on("what it shows of the first is not what it shows of it alone")
    answered, ids = _ids(processor, whole.removesuffix(added[len(PROBE) :])), _ids(processor, whole)
    if ids[: len(answered)] != answered or len(ids) == len(answered):
        raise _cannot_go_on("nothing that is a token of its own stands between an answer and the next question")
    return ids[len(answered) :]


def _message(role: str, text: str) -> Message:
    return {"role": role, "content": content(0, text)}


def _rendered(processor: Any, messages: list[Message]) -> str:
    try:
        text: str = processor.apply_chat_template(messages, add_generation_prompt=True)
    except Exception as error:  # a template can fail in any way
        reason = " ".join(str(error).split())[:80].rstrip(".") or type(error).__name__
        raise _cannot_go_on(reason) from None
    return text


def _ids(processor: Any, text: str) -> list[int]:
    ids: list[int] = processor.tokenizer(text, add_special_tokens=False).input_ids
    return ids


def _cannot_go_on(reason: str) -> InputError:
    return InputError(f"this checkpoint's chat template cannot go on with a second turn ({reason}); ask single "
                      "questions, or give it a template that can")  # fmt: skip
