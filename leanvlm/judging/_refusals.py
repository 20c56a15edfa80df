"""What it means when an endpoint does not reply: for this call, for this message, or for all of them.

Source:  RFC 9110, section 15 (statuses) and section 10.2.3 (Retry-After, in seconds or as a date).
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from leanvlm.judging._connection import Response, without_key
from leanvlm.texts import printable

PASSING = frozenset({408, 409, 425, 429})  # and 500 and above
FOR_ALL = {
    **dict.fromkeys((301, 302, 303, 307, 308), "it is at another address"),
    401: "it does not take the key",
    402: "it wants to be paid first",
    404: "it has no such address or model",
}
LONGEST = 200  # characters of an endpoint's own words


class Passing(Exception):
    """A call that failed and may go well the next time, after so many seconds where the endpoint says it."""

    def __init__(self, problem: str, *, wait: float | None = None) -> None:
        super().__init__(problem)
        self.wait = wait


class Unanswered(Exception):
    """A message without a reply, and after how many calls; `is_down` if other messages may fare no better."""

    def __init__(self, problem: str, *, tries: int, is_down: bool) -> None:
        super().__init__(problem)
        self.problem, self.tries, self.is_down = problem, tries, is_down


class Closed(Exception):
    """An endpoint that would refuse every message, and why."""


def refusal(response: Response, http: httpx.Client, *, tries: int) -> Passing | Unanswered | Closed:
    """Say what a response that is no reply means."""
    status = response.status
    says = f"says {status} {httpx.codes.get_reason_phrase(status)}".rstrip()
    if status in PASSING or status >= httpx.codes.INTERNAL_SERVER_ERROR:
        return Passing(says, wait=_retry_after(response.headers.get("retry-after", "")))
    if status in FOR_ALL:
        return Closed(f"{says}: {FOR_ALL[status]}")
    return Unanswered(f"{says}{_reason(response.content, http)}", tries=tries, is_down=False)


def _reason(content: bytes, http: httpx.Client) -> str:
    try:
        said = json.loads(content)["error"]["message"]
    except (ValueError, TypeError, LookupError, RecursionError):
        return ""
    return f" ({printable(without_key(str(said), http))[:LONGEST]})"


def _retry_after(header: str) -> float | None:
    """Read how many seconds to wait; None where the header says nothing that can be read."""
    if header.isascii() and header.isdigit():
        return float(header[:9])
    try:
        return max(0.0, (parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None
