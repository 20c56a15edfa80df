"""Ask a judge about answers, and say what it said of each.

What was kept before is not asked again, so a run that was killed, or that reached its limit, goes on where it was.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leanvlm import judging
from leanvlm.judging import _cache, _endpoint
from leanvlm.judging._budget import Budget
from leanvlm.judging._cache import Reply
from leanvlm.judging._endpoint import FIRST_PAUSE
from leanvlm.judging._needed import Open
from leanvlm.judging._refusals import Unanswered
from leanvlm.params.judges import Judge, LocalJudge

Row = dict[str, Any]


@dataclass(frozen=True)
class Judged:
    """The rows of `judgements`, in the order asked, and what was paid for all their replies."""

    rows: list[Row]
    n_stored: int  # replies that were there before
    dollars: float


def judge_all(judge: Judge | LocalJudge, answers: Sequence[Open], *, first_pause: float = FIRST_PAUSE) -> Judged:
    """Judge every answer; one without a reply, or with one that cannot be read, has a problem in place of a grade.

    Raises: InputError where the key is missing or the endpoint refuses all, or the judge's checkpoint is not there;
    RunError where the limit is reached, or the endpoint is down. What was judged until then is kept.
    """
    places = [_place(judge, one) for one in answers]
    asked = dict(zip(places, answers, strict=True))  # the same words are one message, whatever samples they are of
    found = {path: reply for path in asked if (reply := _cache.find(path))}
    n_stored, problems = sum(path in found for path in places), dict[Path, Unanswered]()
    missing = {path: one for path, one in asked.items() if path not in found}
    most = judge.most_dollars if isinstance(judge, Judge) else 0.0
    budget = Budget(most, spent=sum(reply.dollars for reply in found.values()))
    for path, result in _asked(judge, missing, budget, len(found), first_pause) if missing else ():
        if isinstance(result, Unanswered):
            problems[path] = result
        else:
            found[path] = result
    rows = [_row(judge, one, found.get(path), problems.get(path)) for path, one in zip(places, answers, strict=True)]
    return Judged(rows, n_stored, budget.spent)


def _asked(
    judge: Judge | LocalJudge, missing: Mapping[Path, Open], budget: Budget, n_stored: int, first_pause: float
) -> Iterator[tuple[Path, Reply | Unanswered]]:
    if isinstance(judge, Judge):
        return _endpoint.asked(judge, missing, budget, n_stored=n_stored, first_pause=first_pause)
    from leanvlm.judging import _here  # torch, and seconds, which an endpoint saves

    return _here.asked(judge, missing)


def _place(judge: Judge | LocalJudge, one: Open) -> Path:
    asking = judging.load(one.judge)
    return _cache.place(_identity(judge), one.judge, asking.VERSION, asking.messages(one.asked), asking.MOST_TOKENS)


def _identity(judge: Judge | LocalJudge) -> list[str]:
    if isinstance(judge, Judge):
        return [judge.endpoint, judge.model]
    from leanvlm.judging import _here

    return [_here.identity(judge)]


def _row(judge: Judge | LocalJudge, one: Open, reply: Reply | None, problem: Unanswered | None) -> Row:
    asking = judging.load(one.judge)
    grade = None if reply is None else asking.read(reply.text, one.asked)
    unread = "the reply is not as it was asked for" if reply and grade is None else None
    return {
        "benchmark": one.benchmark,
        "sample_id": one.sample_id,
        "answer": one.asked.answer,
        "judge": one.judge,
        "prompt_version": asking.VERSION,
        "endpoint": judge.endpoint,
        "judge_model": judge.model,
        "messages": json.dumps(asking.messages(one.asked), ensure_ascii=False),
        "reply": reply.text if reply else None,
        "grade": grade,
        "reference": judging.reference(one.judge, reply.text) if reply and grade is not None else None,
        "problem": f"the judge {problem.problem}" if problem else unread,
        "tokens_in": reply.tokens_in if reply else None,
        "tokens_out": reply.tokens_out if reply else None,
        "tries": reply.tries if reply else problem.tries if problem else 1,
    }
