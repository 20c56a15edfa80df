"""MM-Vet: the judge compares an open answer with the right one and gives 0.0 to 1.0.

Source:  Yu et al. 2023, arXiv 2308.02490, section 3.3: a number from 0.0 to 1.0; in the right answer <AND> joins what
         must all be there, <OR> what may stand for one another.
Departs: the wording and the examples are ours. A number out of range is not asked for again, but is no grade.
"""

from __future__ import annotations

import re

from leanvlm.judging import Asked, Message
from leanvlm.judging._messages import conversation, marked

VERSION = "1"
MOST_TOKENS = 16
SHARE = re.compile(r"0(?:\.\d+)?|1(?:\.0+)?")
TASK = """\
Say how right an answer to a question about a picture is, by comparing it with the right answer: 1.0 where it says all \
that the right answer says, 0.0 where it says nothing of it, and a number between where it is right in part. In the \
right answer, <AND> joins things that the answer must all say, and <OR> joins things of which one is enough. How an \
answer is worded does not matter, nor does what it says beside the point.

For instance: if the right answer is "two <AND> red" and the answer "Both cars are blue.", the number is 0.5; if the \
right answer is "sofa <OR> couch" and the answer "She sits on a couch.", it is 1.0.

Reply with that number alone, with one digit behind the point."""


def messages(asked: Asked) -> list[Message]:
    """Write the question, what is right, and the answer."""
    right = " <OR> ".join(asked.answers)
    return conversation(
        TASK,
        marked("question", asked.question),
        marked("right-answer", right),
        marked("answer", asked.answer),
    )


def read(reply: str, asked: Asked) -> float | None:  # noqa: ARG001
    """Read a number of 0 to 1 that is the whole reply."""
    said = reply.strip()
    return float(said) if SHARE.fullmatch(said) else None
