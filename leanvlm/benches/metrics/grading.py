"""What each grading rule costs on distinct short answers; `make bench-metrics` calls it.

Every answer is a sentence of a dozen words with a number, punctuation and a contraction. A rule is given ten reference
answers where its data set has as many (`vqa`), else two. `choice` is also asked with four options, one of which every
answer names.
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
NAMING = """
create or replace temp table said as
with numbered as (select number, ['the grey dog', 'the red car', 'a tall tree', 'the small house'] as options
from range({n}) as numbers (number))
select
    'It''s about ' || number || ' metres from here, I think; isn''t that ' || options[number % 4 + 1] || ', over there?'
        as answer,
    [substr('ABCD', number % 4 + 1, 1), options[number % 4 + 1]] as answers,
    options
from numbered
"""
GRADED = """
select sum(grade_{rule}(answer, answers, {options})), count_if(is_gradable_{rule}(answer, answers, {options})) from said
"""


def measured(connection: store.Connection, *, n: int) -> dict[str, float]:
    """Grade `n` distinct answers by each rule; return the seconds of each, scaled to a million answers."""
    seconds = {}
    for rule in grading.rules():
        connection.execute(SAID.format(n=n, n_references=N_REFERENCES.get(rule, 2)))
        seconds[rule] = _seconds(connection, GRADED.format(rule=rule, options="[]")) * 1e6 / n
    connection.execute(NAMING.format(n=n))
    seconds["choice, options named"] = _seconds(connection, GRADED.format(rule="choice", options="options")) * 1e6 / n
    return seconds


def _seconds(connection: store.Connection, query: str) -> float:
    start = time.perf_counter()
    connection.execute(query).fetchall()
    return time.perf_counter() - start
