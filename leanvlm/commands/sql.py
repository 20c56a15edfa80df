"""`leanvlm sql`: ask the stored results anything, read-only."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from leanvlm import files
from leanvlm.commands import Command, add_store
from leanvlm.errors import InputError
from leanvlm.printing import FORMATS

if TYPE_CHECKING:
    from leanvlm.store.query import Source

MOST_SECONDS = 86_400
LEAST_MEGABYTES, MOST_MEGABYTES = 16, 1_000_000
LEAST_FOR_STORAGE = 64  # megabytes: files are read by a dozen threads
DETAILS = """\
One select over the store: a table for what was asked (samples), said (answers), what that is worth (grades), each
model x recipe x benchmark (cells), each method of a recipe (parts), the seconds (timings), what was not run (skips),
and one for each metric; `show tables` lists them. With --storage it is one select over the view stored_answers: what
every stored cell says, of this grid and of others, with its cell_key, where `storage:` of params.yaml has them lie. The
query cannot write, open a file, load an extension or change a setting, and is stopped when it exceeds its time or
memory."""


def run(arguments: Namespace) -> None:
    """Print the rows of one query."""
    from leanvlm.store.query import Limits, query

    limits = Limits(seconds=arguments.seconds, megabytes=arguments.megabytes)
    columns, rows = query(_source(arguments), arguments.query, limits=limits)
    twice = {column for column in columns if columns.count(column) > 1}
    if twice and arguments.format == "json":
        raise InputError(f"two columns of the query are named {min(twice)!r}; name them apart with `as` for json")
    print(FORMATS[arguments.format](columns, rows))


def _source(arguments: Namespace) -> Source:
    """Say what is asked.

    Raises: InputError where nothing is stored, or a bucket cannot be asked; RunError where it does not answer.
    """
    if not arguments.storage:
        store: Path = arguments.store
        return store
    if arguments.megabytes < LEAST_FOR_STORAGE:
        raise InputError(f"--storage takes --megabytes {LEAST_FOR_STORAGE} or more, and it is {arguments.megabytes}")
    from leanvlm.params import read
    from leanvlm.storage.chosen import chosen
    from leanvlm.store.stored_answers import stored_answers

    return stored_answers(chosen(read(files.PARAMS).storage))


def _takes(parser: ArgumentParser) -> None:
    parser.add_argument("query", help="one select")
    add_store(parser)
    parser.add_argument("--storage", action="store_true", help="ask stored_answers where params.yaml has cells stored")
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
