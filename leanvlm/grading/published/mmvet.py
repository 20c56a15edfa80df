"""MM-Vet: the number from 0 to 1 with which a judge's reply begins.

Source:  lmms-eval 0.7.3 and EffiVLM-Bench's fork of it, tasks/mmvet/utils.py (read, not copied); they agree.
Quirks:  a reply without a number is asked for again, hotter each time, and is 0 at last: "0.7." and "Score: 0.7" too. A
         number beyond 0 to 1 is asked for without end: it has no grade.
"""

from __future__ import annotations

from leanvlm.grading.published import Asked


def read(reply: str) -> float | None:
    """Return the number before the first blank, None where there is none from 0 to 1."""
    number = _number(reply)
    return number if number is not None and 0 <= number <= 1 else None


def paper(reply: str, _asked: Asked) -> float | None:
    """Give the number, 0 where none can be read, None where it is beyond 0 to 1."""
    return 0.0 if _number(reply) is None else read(reply)


today = paper


def _number(reply: str) -> float | None:
    try:
        return float(reply.strip().partition(" ")[0])
    except ValueError:
        return None
