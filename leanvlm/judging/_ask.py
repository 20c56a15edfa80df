"""Ask a judge about answers, several at a time, and keep each reply as soon as it is there.

What was kept before is not asked again, so a run that was killed, or that reached its limit, goes on where it was.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

from leanvlm import judging
from leanvlm.errors import RunError
from leanvlm.judging import _cache
from leanvlm.judging._budget import Budget, Spent
from leanvlm.judging._cache import Reply
from leanvlm.judging._client import Client
from leanvlm.judging._connection import connected
from leanvlm.judging._needed import Open
from leanvlm.judging._refusals import Unanswered
from leanvlm.params.blocks import Judge

FIRST_PAUSE = 1.0  # seconds before the second try
MOST_IN_A_ROW = 10  # messages without a reply, after which the endpoint is taken to be down

Row = dict[str, Any]


@dataclass(frozen=True)
class Judged:
    """The rows of `judgements`, in the order asked, and what was paid for all their replies."""

    rows: list[Row]
    n_stored: int  # replies that were there before
    dollars: float


def judge_all(judge: Judge, answers: Sequence[Open], *, first_pause: float = FIRST_PAUSE) -> Judged:
    """Judge every answer; one without a reply, or with one that cannot be read, has a problem in place of a grade.

    Raises: InputError where the key is missing or the endpoint refuses all; RunError where the limit is reached, or the
    endpoint is down. What was judged until then is kept.
    """
    places = [_place(judge, one) for one in answers]
    asked = dict(zip(places, answers, strict=True))  # the same words are one message, whatever samples they are of
    found = {path: reply for path in asked if (reply := _cache.find(path))}
    n_stored, problems = sum(path in found for path in places), dict[Path, Unanswered]()
    missing = {path: one for path, one in asked.items() if path not in found}
    budget = Budget(judge.most_dollars, spent=sum(reply.dollars for reply in found.values()))
    if missing:
        for path, result in _asked(judge, missing, budget, n_stored=len(found), first_pause=first_pause):
            if isinstance(result, Unanswered):
                problems[path] = result
            else:
                found[path] = result
    if problems and not found:
        raise RunError(_down(judge, next(iter(problems.values())), f"none of {len(asked)} messages"))
    rows = [_row(judge, one, found.get(path), problems.get(path)) for path, one in zip(places, answers, strict=True)]
    return Judged(rows, n_stored, budget.spent)


def _asked(
    judge: Judge, missing: Mapping[Path, Open], budget: Budget, *, n_stored: int, first_pause: float
) -> Iterator[tuple[Path, Reply | Unanswered]]:
    """Yield replies as they come, each kept already, and problems."""
    n_judged, in_a_row, stopped = n_stored, 0, Event()
    pool = ThreadPoolExecutor(judge.workers)
    with connected(judge) as http:
        client = Client(judge, budget, http, stopped, first_pause)
        try:
            running = {pool.submit(_ask_one, client, one, path): path for path, one in missing.items()}
            for done in as_completed(running):
                so_far = f"{n_judged} of {n_stored + len(missing)} messages"
                result = _result(done, judge, so_far)
                in_a_row = in_a_row + 1 if isinstance(result, Unanswered) and result.is_down else 0
                n_judged += isinstance(result, Reply)
                if in_a_row == MOST_IN_A_ROW and isinstance(result, Unanswered):
                    raise RunError(_down(judge, result, so_far))
                yield running[done], result
        finally:
            stopped.set()
            pool.shutdown(cancel_futures=True)  # calls on their way are paid for, so their replies are kept


def _ask_one(client: Client, one: Open, path: Path) -> Reply:
    asking = judging.load(one.judge)
    reply = client.ask(asking.messages(one.asked), one.asked.images, most_tokens=asking.MOST_TOKENS)
    _cache.keep(reply, path)
    return reply


def _result(done: Future[Reply], judge: Judge, so_far: str) -> Reply | Unanswered:
    try:
        return done.result()
    except Unanswered as problem:
        return problem
    except Spent:
        raise RunError(
            f"judge.most_dollars, ${judge.most_dollars:g}, would not last for the next call: {so_far} are judged "
            "and kept; raise it in params.yaml and run again to go on"
        ) from None


def _place(judge: Judge, one: Open) -> Path:
    asking = judging.load(one.judge)
    return _cache.place(judge, one.judge, asking.VERSION, asking.messages(one.asked), asking.MOST_TOKENS)


def _down(judge: Judge, problem: Unanswered, so_far: str) -> str:
    return (
        f"the judge at {judge.endpoint} {problem.problem}, after {problem.tries} tries of the last message: {so_far} "
        f"are judged and kept; see `judge:` in params.yaml, and run again to go on"
    )


def _row(judge: Judge, one: Open, reply: Reply | None, problem: Unanswered | None) -> Row:
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
