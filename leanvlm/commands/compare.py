"""`leanvlm compare A B`: whether one recipe's answers are better than another's, sample by sample."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

import duckdb

from leanvlm import store
from leanvlm.commands import Command, add_store
from leanvlm.errors import InputError
from leanvlm.metrics import tally
from leanvlm.printing import FORMATS
from leanvlm.store.open import reading
from leanvlm.store.query import Answer
from leanvlm.texts import perhaps

SQL = Path(__file__).with_suffix(".sql")
DETAILS = """\
Compares the grades of two recipes to the same samples: difference is accuracy of A less that of B, low and high its
95 % interval (bootstrap, paired over samples), and the verdict says how A is: better or worse than B where 0 is outside
the interval, otherwise a tie. n_only_right counts samples that only A answers rightly, n_only_other_right those that
only B does; mcnemar_p is the exact two-sided p-value of that split. The row `all` averages the benchmarks."""


def run(arguments: Namespace) -> None:
    """Print a row for every benchmark and one for all."""
    with reading(arguments.store) as stored:
        columns, rows = compare(
            stored, arguments.recipe, arguments.other, model=arguments.model, benchmark=arguments.benchmark
        )
    print(FORMATS[arguments.format](columns, rows))


def compare(
    stored: duckdb.DuckDBPyConnection, recipe: str, other: str, *, model: str | None, benchmark: str | None
) -> Answer:
    """Compare two recipes of a store on one or all of its models and benchmarks.

    Raises: InputError naming what the store has, where one of the names is not in it.
    """
    wanted = {"model": model, "benchmark": benchmark}
    for kind, name in (("recipe", recipe), ("recipe", other), *wanted.items()):
        if name is not None:
            _refuse_unknown(stored, kind, name)
    only = {kind: name for kind, name in wanted.items() if name is not None}
    where = " and ".join(["recipe in ($recipe, $other)", *(f"{kind} = ${kind}" for kind in only)])
    names = {"recipe": recipe, "other": other}
    with duckdb.connect() as connection:
        connection.execute("set enable_progress_bar = false")
        for name, value in names.items():
            connection.execute(f"set variable {name} = $value", {"value": value})
        grades = stored.sql(f"from grades where {where}", params=names | only)
        store.add(connection, "grades", grades.to_arrow_table())
        store.add(
            connection, "samples", stored.sql("select benchmark, sample_id, group_id from samples").to_arrow_table()
        )
        _refuse_unpaired(connection, recipe, other)
        tally.prepare(connection, resamples=tally.RESAMPLES, seed=tally.SEED)
        for metric in tally.needed("steps.accuracy"):
            tally.compute(connection, metric)
        connection.execute(SQL.read_text(encoding="utf-8"))
        return [name for (name, *_) in connection.description or []], connection.fetchall()


def _refuse_unknown(stored: duckdb.DuckDBPyConnection, kind: str, name: str) -> None:
    known = [found for (found,) in stored.execute(f"select distinct {kind} from cells order by all").fetchall()]
    if name not in known:
        raise InputError(f"no {kind} {name!r} in the store{perhaps(name, known)}; it has {', '.join(known)}")


def _refuse_unpaired(connection: duckdb.DuckDBPyConnection, recipe: str, other: str) -> None:
    """Tell of cells that only one of the two recipes has; refuse where they share none."""
    cells = "select distinct model, benchmark from grades where recipe = getvariable('{}')"
    both = connection.execute(f"{cells.format('recipe')} intersect {cells.format('other')}").fetchall()
    either = connection.execute(f"{cells.format('recipe')} union {cells.format('other')} order by all").fetchall()
    if not both:
        raise InputError(f"{recipe} and {other} were not asked the same there; leave out --model or --benchmark")
    for model, benchmark in either:
        if (model, benchmark) not in both:
            print(
                f"leanvlm: not compared: {benchmark} on {model}, which only one of the two was asked", file=sys.stderr
            )


def _takes(parser: ArgumentParser) -> None:
    parser.add_argument("recipe", metavar="A", help="a recipe of the store")
    parser.add_argument("other", metavar="B", help="the recipe that it is compared with")
    parser.add_argument("--model", help="only this model")
    parser.add_argument("--benchmark", help="only this benchmark")
    add_store(parser)


COMMAND = Command(
    name="compare",
    says="say whether a recipe's answers are better than another's, sample by sample",
    details=DETAILS,
    example="leanvlm compare tokens/fastv@10% controls/random_tokens@10% --benchmark documents",
    run=run,
    takes=_takes,
)
