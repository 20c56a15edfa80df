"""MMBench: the judge says which option an answer means, where its letter cannot be found by a rule.

Source:  Liu et al. 2023, arXiv 2307.06281, section 4.3: question, options and answer; the reply is a letter, the one
         after the last option's where the answer means none.
Departs: the wording is ours. A reply that is no such letter is no grade; the owners ask again, and draw by lot at last.
"""

from __future__ import annotations

from leanvlm.judging import Asked, Message
from leanvlm.judging._choice import is_right, named
from leanvlm.judging._messages import conversation, marked
from leanvlm.letters import lettered

VERSION = "1"
MOST_TOKENS = 8
NONE = "none of these"
TASK = """\
Somebody was asked to choose one of some options, and answered in their own words. Say which option the answer means. \
Do not answer the question yourself, and do not mend a wrong answer: only the meaning of the answer counts.

Reply with the letter of that option alone."""


def messages(asked: Asked) -> list[Message]:
    """Write question, options and answer."""
    return conversation(
        TASK,
        marked("question", asked.question),
        marked("options", lettered((*asked.options, NONE))),
        marked("answer", asked.answer),
    )


def read(reply: str, asked: Asked) -> float | None:
    """Give 1 for the right option's letter, and 0 for another's and for none of these."""
    index = named(reply, (*asked.options, NONE))
    if index is None:
        return None
    return float(index < len(asked.options) and is_right(index, asked))
