"""One judge behind an endpoint that speaks OpenAI's chat completions: a call, tries of it, and what its reply cost.

Source:  POST {endpoint}/chat/completions; the reply is choices[0].message.content, and usage counts its tokens.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import random
from threading import Event
from typing import Any, TypeGuard

import httpx

from leanvlm.errors import InputError, in_brief
from leanvlm.judging import Message
from leanvlm.judging._budget import Budget
from leanvlm.judging._cache import Reply
from leanvlm.judging._connection import post
from leanvlm.judging._pictures import sent
from leanvlm.judging._prices import dollars, most_dollars
from leanvlm.judging._refusals import Closed, Passing, Unanswered, refusal
from leanvlm.params.judges import Judge
from leanvlm.texts import is_storable

TRIES = 5
LONGEST_PAUSE = 60.0  # seconds between two tries, also where the endpoint asks for more
NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)


@dataclass(frozen=True)
class Client:
    """Asks one judge; several threads share it, and `stopped` ends their pauses."""

    judge: Judge
    budget: Budget
    http: httpx.Client
    stopped: Event
    first_pause: float  # seconds; doubled from try to try

    def ask(self, messages: Sequence[Message], images: Sequence[bytes], *, most_tokens: int) -> Reply:
        """Send messages until a reply comes.

        Raises: Unanswered where none does, Spent before a call that could go beyond the limit, InputError where the
            endpoint would refuse every message.
        """
        most = most_dollars(self.judge, messages, most_tokens)
        body = {
            "model": self.judge.model,
            "messages": sent(messages, images),
            "temperature": 0,
            "max_tokens": most_tokens,
        }
        for tries in range(1, TRIES + 1):
            if self.stopped.is_set():
                raise Unanswered("was not asked", tries=tries - 1, is_down=False)
            try:
                return self._call(body, most, tries)
            except Passing as problem:
                if tries == TRIES or self.stopped.wait(self._pause(tries, problem.wait)):
                    raise Unanswered(str(problem), tries=tries, is_down=True) from None
            except Closed as reason:
                self.stopped.set()  # at once, or the other threads would go on until somebody reads this
                variable = self.judge.key_variable
                also = f" and {variable} in the environment" if variable else ""
                raise InputError(f"the judge {self.judge.model} at {self.judge.endpoint} {reason}; see `judge:` in "
                                 f"params.yaml{also}") from None  # fmt: skip
        raise AssertionError("the last try returns or raises")

    def _call(self, body: Mapping[str, Any], most: float, tries: int) -> Reply:
        with self.budget.holding(most) as paid:
            try:
                response = post(self.http, body, seconds=self.judge.timeout_seconds)
            except NOT_SENT as error:
                raise Passing(f"cannot be reached ({in_brief(error)})") from None
            except httpx.HTTPError as error:  # it may have been read, and so be paid for
                paid.append(most)
                raise Passing(f"broke off ({in_brief(error)})") from None
            if response.status != httpx.codes.OK:
                raise refusal(response, self.http, tries=tries)
            paid.append(most)
            reply = self._reply(response.content, most, tries)
            paid[:] = [reply.dollars]
            return reply

    def _reply(self, content: bytes, most: float, tries: int) -> Reply:
        """Read a reply; one without a count of tokens is taken to have cost the most that it can."""
        try:
            found = json.loads(content)
            text = found["choices"][0]["message"]["content"] or ""
            usage = found.get("usage") or {}
            n_in, n_out = usage.get("prompt_tokens"), usage.get("completion_tokens")
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
            raise Passing("sends something else than a chat completion") from None
        if not isinstance(text, str) or not is_storable(text):
            raise Passing("sends a reply that is no text")
        if not (_is_count(n_in) and _is_count(n_out)):
            return Reply(text, None, None, most, tries)
        return Reply(text, n_in, n_out, dollars(self.judge, n_in, n_out), tries)

    def _pause(self, tries: int, wait: float | None) -> float:
        """Say how long to wait: as asked, or twice as long each time, and not all threads at once."""
        doubled = self.first_pause * 2 ** (tries - 1) * (0.5 + random())
        return min(LONGEST_PAUSE, doubled if wait is None else wait)


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53
