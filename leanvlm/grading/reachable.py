"""Right answers that their own rule would call wrong: no answer could be right, and all recipes would look alike.

Most rules take any text for what it says; those that read only some are named here, with what they read.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import duckdb
import pyarrow as pa

from leanvlm.errors import InputError
from leanvlm.right_answers import shown

WANTED = {
    "choice": "a letter from A to J that an option has, or the text of one, where there are options",
    "mathvista": "the letter or the text of an option, or else a number or a list of numbers",
    "mme": "yes or no",
    "rouge_l": "words of letters from a to z, or digits",
}
ASKED = pa.schema(
    [("number", pa.int32()), ("rule", pa.string()), *((name, pa.list_(pa.string())) for name in ("answers", "options"))]
)
REACHED = """
select number
from (select number, rule, answers, options, unnest(answers) as answer from asked)
group by number
having max(case rule {worth} end) = 0
order by number
limit 1
"""


class Asked(NamedTuple):
    """What one sample wants, and where it stands, as a sentence begins."""

    place: str
    rule: str
    answers: tuple[str, ...]
    options: tuple[str, ...]


def refuse_unreachable(connection: duckdb.DuckDBPyConnection, asked: Iterable[Asked]) -> None:
    """Refuse the first sample whose right answers are worth nothing by its rule.

    Takes: connection, with the grading macros loaded.

    Raises: InputError.
    """
    doubtful = [one for one in asked if one.rule in WANTED]
    if not doubtful:
        return
    rows = [{"number": number, **one._asdict()} for number, one in enumerate(doubtful)]
    connection.register("asked", pa.Table.from_pylist(rows, schema=ASKED))
    worth = " ".join(f"when '{rule}' then {_worth(rule)}" for rule in sorted({one.rule for one in doubtful}))
    for (number,) in connection.execute(REACHED.format(worth=worth)).fetchall():
        raise _refusal(doubtful[number])


def _worth(rule: str) -> str:
    if rule == "choice":  # which calls a text right that repeats the right one, whatever can be chosen
        return "cast(names_an_option(answers, options) as double)"
    return f"grade_{rule}(answer, answers, options)"


def _refusal(asked: Asked) -> InputError:
    answers = asked.answers[0] if len(asked.answers) == 1 else list(asked.answers)
    return InputError(f"{asked.place}: by the rule {asked.rule} no answer is right where {shown(answers)} is; it wants "
                      f"{WANTED[asked.rule]}: give that, or another rule")  # fmt: skip
