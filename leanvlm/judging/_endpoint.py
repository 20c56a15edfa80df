"""Ask a judge behind an endpoint, several messages at a time, and keep each reply as soon as it is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from pathlib import Path
from threading import Event

from leanvlm import judging
from leanvlm.errors import RunError
from leanvlm.judging import _cache
from leanvlm.judging._budget import Budget, Spent
from leanvlm.judging._cache import Reply
from leanvlm.judging._client import Client
from leanvlm.judging._connection import connected
from leanvlm.judging._needed import Open
from leanvlm.judging._refusals import Unanswered
from leanvlm.params.judges import Judge

FIRST_PAUSE = 1.0  # seconds before the second try
MOST_IN_A_ROW = 10  # messages without a reply, after which the endpoint is taken to be down


def asked(
    judge: Judge, missing: Mapping[Path, Open], budget: Budget, *, n_stored: int, first_pause: float = FIRST_PAUSE
) -> Iterator[tuple[Path, Reply | Unanswered]]:
    """Yield replies as they come, each kept already, and problems.

    Takes: budget, in which replies that were there before are spent already; n_stored, how many these are.

    Raises: InputError where the key is missing or the endpoint refuses all; RunError where the limit is reached, or the
    endpoint is down.
    """
    n_judged, in_a_row, stopped, result = n_stored, 0, Event(), None
    pool = ThreadPoolExecutor(judge.workers)
    with connected(judge) as http:
        client = Client(judge, budget, http, stopped, first_pause)
        try:
            running = {pool.submit(_ask, client, one, path): path for path, one in missing.items()}
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
    if not n_judged and isinstance(result, Unanswered):
        raise RunError(_down(judge, result, f"none of {len(missing)} messages"))


def _ask(client: Client, one: Open, path: Path) -> Reply:
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


def _down(judge: Judge, problem: Unanswered, so_far: str) -> str:
    return (
        f"the judge at {judge.endpoint} {problem.problem}, after {problem.tries} tries of the last message: {so_far} "
        f"are judged and kept; see `judge:` in params.yaml, and run again to go on"
    )
