"""From answers to the table `judgements`, which has no rows where there is nothing to ask, or nobody to be asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from leanvlm import files
from leanvlm.judging._needed import described, open_answers
from leanvlm.params import Params
from leanvlm.tables import judgements


def write_judgements(params: Params, root: Path) -> Iterator[str]:
    """Ask what must be asked, write it, and yield what a person should know of it.

    Raises: as `judge_all`; nothing is written then.
    """
    found = open_answers(root, benchmarks=params.grid.benchmarks)
    rows: list[dict[str, Any]] = []
    if found and params.judge is None:
        yield (f"{len(found)} answers are left open by their owners' rule, and there is no judge: MathVista's are "
               "graded as they are, others have no published_grade; name one as `judge:` in params.yaml")  # fmt: skip
    elif found and params.judge is not None:
        from leanvlm.judging._ask import judge_all  # a package more, and seconds, which a grid without a judge saves

        judged = judge_all(params.judge, list(described(root, found)))
        rows = judged.rows
        yield f"{len(rows)} answers, {judged.n_stored} of them judged before; all of it cost ${judged.dollars:.2f}"
        yield from _ungraded(rows)
    judgements.TABLE.write(rows, root / files.table("judgements"))


def unanswered(root: Path) -> bool:
    """Tell whether a judge gave no reply to some message, which may go well the next time."""
    path = root / files.table("judgements")
    return path.is_file() and bool(judgements.TABLE.read(path, columns=["reply"])["reply"].null_count)


def _ungraded(rows: list[dict[str, Any]]) -> Iterator[str]:
    left = [row for row in rows if row["grade"] is None]
    if left:
        first = left[0]
        yield (f"{len(left)} of them are ungraded, and count nowhere; the first is of {first['benchmark']} "
               f"{first['sample_id']}: {first['problem']}; the table judgements has all")  # fmt: skip
