"""What each grading rule costs on distinct short answers; `make bench-metrics` calls it.

Every answer is a sentence of a dozen words with a number, punctuation and a contraction. A rule is given ten reference
answers where its data set has as many (`vqa`), else two.
"""

from __future__ import annotations

import time

from leanvlm import grading, store

N_REFERENCES = {"vqa": 10}
SAID = """
create or replace temp table said as
with numbered as (select number, substr('ABCD', number % 4 + 1, 1) as letter from range({n}) as numbers (number))
select
    'It''s about ' || number || ' metres, I think; isn''t option (' || letter || ') the right one?' as answer,
    list_transform(
        range({n_references}), lambda place: case when place = 0 then letter else (number + place) || ' metres' end
    ) as answers
from numbered
"""
GRADED = "select sum(grade_{rule}(answer, answers, [])), count_if(is_gradable_{rule}(answer, answers, [])) from said"


def measured(connection: store.Connection, *, n: int) -> dict[str, float]:
    """Grade `n` distinct answers by each rule; return the seconds of each, scaled to a million answers."""
    seconds = {}
    for rule in grading.rules():
        connection.execute(SAID.format(n=n, n_references=N_REFERENCES.get(rule, 2)))
        start = time.perf_counter()
        connection.execute(GRADED.format(rule=rule)).fetchall()
        seconds[rule] = (time.perf_counter() - start) * 1_000_000 / n
    return seconds
