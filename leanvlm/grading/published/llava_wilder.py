"""LLaVA-Wilder: the two numbers of a judge's reply, for the reference and for the model.

Source:  EffiVLM-Bench's fork of lmms-eval and lmms-eval 0.7.3, tasks/llava_wilder/utils.py (read, not copied).
Quirks:  what is not two numbers with one blank, or one comma, between them in the first line is -1 for both, and enters
         the mean: "10, 8" too, which has a comma and a blank. Today blanks at the ends of the line do not count.
"""

from __future__ import annotations

from leanvlm.grading.published import Asked

UNREADABLE = [-1.0, -1.0]


def read(reply: str) -> list[float] | None:
    """Return the two numbers of the first line, None where there are none."""
    parts = reply.partition("\n")[0].replace(",", " ").split(" ")
    try:
        return [float(part) for part in parts] if len(parts) == 2 else None
    except ValueError:
        return None


def paper(reply: str, _asked: Asked) -> list[float]:
    """Give the two numbers, [-1, -1] where they cannot be read."""
    return read(reply) or UNREADABLE


def today(reply: str, asked: Asked) -> list[float]:
    """Give the two numbers of the first line without its outer blanks, [-1, -1] where they cannot be read."""
    return paper(reply.partition("\n")[0].strip(), asked)
