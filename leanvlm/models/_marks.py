"""Words of a question that the prompt would take for something else: a picture, a turn, the end of all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from leanvlm.errors import InputError


def marks(tokenizer: Any, processor: Any) -> tuple[str, ...]:
    """List the words to which a model's prompt gives a meaning; of some tokenizers there are thousands."""
    return tuple(dict.fromkeys(_marks(tokenizer, processor)))


def refuse_marks(marks: Iterable[str], question: str) -> None:
    """Refuse a question that holds a special token, such as a placeholder for a picture that is not there.

    Raises: InputError naming the token.
    """
    if found := next((mark for mark in marks if mark in question), None):
        raise InputError(f"the question holds {found!r}, which this model's prompt takes for a picture or a turn; "
                         "leave it out: pictures stand before the question by themselves")  # fmt: skip


def _marks(tokenizer: Any, processor: Any) -> Iterator[str]:
    yield from (str(token) for token in tokenizer.all_special_tokens if str(token).strip())
    yield from (token.content for token in tokenizer.added_tokens_decoder.values() if token.special and token.content)
    names = [name for name in vars(processor) if name.endswith(("_token", "_tag"))]
    yield from (value for value in (getattr(processor, name) for name in names) if isinstance(value, str) and value)
