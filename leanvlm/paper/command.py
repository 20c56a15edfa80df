"""What `leanvlm verify-paper` prints."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pyarrow as pa

from leanvlm.errors import InputError, RunError
from leanvlm.paper.counterparts import BENCHMARKS, MODELS
from leanvlm.paper.recompute import ROOT, compare, recompute
from leanvlm.paper.scores import read
from leanvlm.printing import FORMATS
from leanvlm.store.open import reading

NOT_PRINTED = (
    "Not compared: OE and the cache methods' OP, which are only drawn; OG at 10% and of weights, which is not printed."
)
BESIDE = "select * from paper_difference order by model, recipe != 'controls/full', recipe, benchmark"


def verify(root: Path = ROOT, *, form: str) -> None:
    """Print every number of the paper beside the recomputed one; as a table, with a count of the outcomes.

    Raises: RunError naming the numbers that are no longer as documented.
    """
    compared = compare(root)
    print(_written(compared.drop_columns(["is_as_documented"]), form))
    if form == "table":
        print("", *_summary(compared), NOT_PRINTED, sep="\n")
    lost = [row for row in compared.to_pylist() if not row["is_as_documented"]]
    if lost:
        named = ", ".join(" ".join(filter(None, list(row.values())[:4])) for row in lost)
        raise RunError(f"{len(lost)} of {len(compared)} printed numbers are not as documented: {named}")


def show(path: Path, *, form: str) -> None:
    """Print OP of every model, and OG over the models, of every method and budget of a file of scores.

    Raises: InputError where the file is wrong.
    """
    print(_written(recompute(read(path)), form))


def beside(store: Path, *, form: str) -> None:
    """Print each cell of a store beside the number that the paper printed for it.

    Raises: InputError where the store cannot be read, or no cell of it has a printed number.
    """
    with reading(store) as connection:
        found = connection.sql(BESIDE).to_arrow_table()
    if not len(found):
        raise InputError(f"no cell of {store} has a number in the paper: its models are {', '.join(MODELS)}, its "
                         f"benchmarks {', '.join(BENCHMARKS.values())}")  # fmt: skip
    print(_written(found, form))


def _written(table: pa.Table, form: str) -> str:
    rows = [tuple(row.values()) for row in table.to_pylist()]
    return FORMATS[form](table.column_names, rows)


def _summary(compared: pa.Table) -> list[str]:
    """Count the outcomes of each metric: "OP: of 38 printed, 35 match, ..."."""
    outcomes: dict[str, Counter[str]] = {}
    for row in compared.to_pylist():
        outcomes.setdefault(row["metric"], Counter())[row["outcome"]] += 1
    return [
        f"{metric}: of {count.total()} printed, " + ", ".join(f"{n} {outcome}" for outcome, n in count.most_common())
        for metric, count in outcomes.items()
    ]
