"""LLaVA-Wilder: the judge sees the picture and gives points to a reference answer and to ours.

Source:  LLaVA-NeXT's LLaVA-Bench in the wilder, as lmms-eval asks for it: picture, question, the reference as the first
         assistant, declared to be worth 10, the answer as the second; two numbers on the reply's first line.
Departs: the wording is ours. The grade is a tenth of our answer's points; the owners divide the mean of these by the
         mean of the reference's points, and so does published_score.
"""

from __future__ import annotations

import re

from leanvlm.judging import Asked, Message
from leanvlm.judging._messages import conversation, marked

VERSION = "1"
MOST_TOKENS = 512
POINTS = 10
TWO_NUMBERS = re.compile(r"(\d+(?:\.\d+)?)[ \t]+(\d+(?:\.\d+)?)")
TASK = f"""\
Compare two answers to a question about a picture, which you see. Give each answer a number of points from 0 to \
{POINTS}: the more helpful, relevant, accurate and detailed it is, the more points. The first answer is the reference; \
it was written with care and is worth {POINTS} points. Do not favour an answer for its place or its length.

On the first line of your reply, write the points of the first answer, a blank, and the points of the second, and \
nothing else. Give your reasons on the lines below."""


def messages(asked: Asked) -> list[Message]:
    """Show the picture, and both answers under the question."""
    return conversation(
        TASK,
        marked("question", asked.question),
        marked("first-answer", asked.answers[0]),
        marked("second-answer", asked.answer),
        pictures=asked.images,
    )


def read(reply: str, asked: Asked) -> float | None:  # noqa: ARG001
    """Read the second of the two numbers on the first line."""
    points = _points(reply)
    return points[1] / POINTS if points else None


def reference(reply: str) -> float:
    """Read the first of the two numbers, of a reply that can be read."""
    return _points(reply)[0] / POINTS


def _points(reply: str) -> list[float]:
    found = TWO_NUMBERS.fullmatch(reply.strip().partition("\n")[0].strip())
    points = [float(number) for number in found.groups()] if found else []
    return points if points and max(points) <= POINTS else []
