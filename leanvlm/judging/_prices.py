"""What a call costs, and the most that it can cost before its tokens are counted."""

from __future__ import annotations

import json
from collections.abc import Sequence

from leanvlm.judging import Message
from leanvlm.judging._pictures import count
from leanvlm.params.judges import Judge

MILLION = 1e6
OVERHEAD_TOKENS = 16  # a message, for its role and its ends: more than endpoints add


def dollars(judge: Judge, tokens_in: int, tokens_out: int) -> float:
    """Price a call by the tokens that the endpoint counted."""
    return (tokens_in * judge.dollars_per_million_in + tokens_out * judge.dollars_per_million_out) / MILLION


def most_dollars(judge: Judge, messages: Sequence[Message], most_tokens: int) -> float:
    """Bound the price of a call; `most_tokens` are those of its reply."""
    return dollars(judge, most_tokens_in(judge, messages), most_tokens)


def most_tokens_in(judge: Judge, messages: Sequence[Message]) -> int:
    """Bound the tokens of messages: none is shorter than a byte of its text."""
    text = json.dumps(list(messages), ensure_ascii=False).encode()
    return len(text) + OVERHEAD_TOKENS * len(messages) + judge.tokens_per_picture * count(messages)
