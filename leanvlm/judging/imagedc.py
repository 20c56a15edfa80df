"""ImageDC: the judge sees the picture and rates a detailed description of it from 0 to 100.

Source:  DC100 as EffiVLM-Bench's fork of lmms-eval asks for it: picture and description, and a line "Final Score: 85".
Departs: the wording is ours; today's lmms-eval asks for 0 or 1 without the picture, which is another measure.
"""

from __future__ import annotations

import re

from leanvlm.judging import Asked, Message
from leanvlm.judging._messages import conversation, marked

VERSION = "1"
MOST_TOKENS = 512
HIGHEST = 100
SCORE = re.compile(r"^final score: *(\d{1,3})(?: */ *100)?\.?$", re.IGNORECASE | re.MULTILINE)
TASK = """\
Rate a description of a picture, which you see, from 0 to 100. It is worth 100 if it tells all that can be seen and \
nothing that cannot: the objects and the scene, how they look, where they are, what they do, and what is behind them. \
Weigh all of these together; none of them decides alone. Whether the description is well written or fitting does not \
matter.

End your reply with a line of its own that says "Final Score: " and then the number."""


def messages(asked: Asked) -> list[Message]:
    """Show the picture and its description."""
    return conversation(
        TASK,
        marked("task-of-the-description", asked.question),
        marked("description", asked.answer),
        pictures=asked.images,
    )


def read(reply: str, asked: Asked) -> float | None:  # noqa: ARG001
    """Read the one line with the score; several that differ are none."""
    scores = {int(number) for number in SCORE.findall(reply.replace("\r", "").strip())}
    return scores.pop() / HIGHEST if len(scores) == 1 and max(scores) <= HIGHEST else None
