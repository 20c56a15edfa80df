"""`leanvlm sql`: ask the stored results anything, read-only."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace

from leanvlm.commands import Command, add_store
from leanvlm.errors import InputError
from leanvlm.printing import FORMATS

MOST_SECONDS = 86_400
LEAST_MEGABYTES, MOST_MEGABYTES = 16, 1_000_000
DETAILS = """\
One select over the store: a table for what was asked (samples), said (answers), what that is worth (grades), each
model x recipe x benchmark (cells), each method of a recipe (parts), the seconds (timings), what was not run (skips),
and one for each metric; `show tables` lists them. The query cannot write, open a file, load an extension or change a
setting, and is stopped when it exceeds its time or memory."""


def run(arguments: Namespace) -> None:
    """Print the rows of one query."""
    from leanvlm.store.query import Limits, query

    limits = Limits(seconds=arguments.seconds, megabytes=arguments.megabytes)
    columns, rows = query(arguments.store, arguments.query, limits=limits)
    twice = {column for column in columns if columns.count(column) > 1}
    if twice and arguments.format == "json":
        raise InputError(f"two columns of the query are named {min(twice)!r}; name them apart with `as` for json")
    print(FORMATS[arguments.format](columns, rows))


def _takes(parser: ArgumentParser) -> None:
    parser.add_argument("query", help="one select")
    add_store(parser)
    parser.add_argument("--seconds", type=seconds, default=60, help="most time (default: %(default)s)")
    parser.add_argument("--megabytes", type=megabytes, default=512, help="most memory (default: %(default)s)")


def seconds(text: str) -> float:
    """Read a time above 0."""
    value = float(text)
    if not 0 < value <= MOST_SECONDS:
        raise ArgumentTypeError(f"{text} is not above 0 and up to {MOST_SECONDS}")
    return value


def megabytes(text: str) -> int:
    """Read a size that DuckDB can start with."""
    value = int(text)
    if not LEAST_MEGABYTES <= value <= MOST_MEGABYTES:
        raise ArgumentTypeError(f"{text} is not from {LEAST_MEGABYTES} to {MOST_MEGABYTES}")
    return value


COMMAND = Command(
    name="sql",
    says="ask the stored results anything, read-only",
    details=DETAILS,
    example='leanvlm sql "select recipe, overall_performance from overall_performance order by 2 desc" --format csv',
    run=run,
    takes=_takes,
)
