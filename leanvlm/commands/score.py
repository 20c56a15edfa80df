"""`leanvlm score`: the metrics of the store, or of any folder of predictions."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from textwrap import fill

import duckdb

from leanvlm import files, predictions
from leanvlm.commands import Command, add_store
from leanvlm.commands._arguments import path, refuse_taken
from leanvlm.errors import InputError
from leanvlm.metrics import tally
from leanvlm.predictions.metrics import measure
from leanvlm.printing import FORMATS
from leanvlm.recipes import FULL
from leanvlm.store.open import reading

WORTH_NOTHING = """
select model, benchmark from accuracy where recipe = 'controls/full' and accuracy = 0 order by model, benchmark
"""
SQL = Path(__file__).with_suffix(".sql")
OF_A_FOLDER = ("full", "model", "grade", "into")
FORM = (predictions.__doc__ or "").partition("\n\n")[2].strip()  # of a folder of predictions
DETAILS = f"""\
Prints OP, OG and OL of every recipe with their 95 % intervals (bootstrap, paired over samples): of the project's store,
or of the predictions in DIR, whoever made them. --metric prints one metric whole instead:
{fill(", ".join(sorted(tally.published())), width=120)}.

{FORM}

The number in every line of lmms-eval's samples is the grade, where there is one; otherwise --grade chooses among them,
or names a rule of ours. NAME/100 is a hundredth of a number, NAME:lower is 1 - NAME, for one of which a lower value is
better. Every recipe needs an answer to the same samples. --full names the recipe that the others are compared with; it
is printed as controls/full. --into keeps tables and metrics as a store for `leanvlm sql` and `leanvlm compare`, which
read it with --store. Seconds and bytes are not known of such predictions."""


def run(arguments: Namespace) -> None:
    """Print the overall metrics, or one metric whole.

    Raises: InputError where the predictions, or the store, cannot be used.
    """
    if arguments.folder is None:
        _refuse_without_folder(arguments)
        with reading(arguments.store) as stored:
            _print(stored, arguments.metric, arguments.format)
        return
    with _scratch(arguments.into) as connection:
        found = predictions.read(arguments.folder, model=arguments.model, grades=_grades(arguments.grade))
        measure(connection, found, full=arguments.full or FULL, resamples=tally.RESAMPLES, seed=tally.SEED)
        _print(connection, arguments.metric, arguments.format)


def _refuse_without_folder(arguments: Namespace) -> None:
    for name in OF_A_FOLDER:
        if getattr(arguments, name):
            raise InputError(f"--{name} is about predictions; name their folder: leanvlm score DIR")


@contextmanager
def _scratch(into: Path | None) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open an empty store in memory, or one that is a file when all went well."""
    if into is None:
        with duckdb.connect() as connection:
            yield connection
        return
    if not into.parent.is_dir():
        raise InputError(f"--into {into}: name a file in a folder that exists")
    refuse_taken(into)
    with files.whole(into) as part, duckdb.connect(str(part)) as connection:
        yield connection
        connection.execute("checkpoint")  # else what a full disk refuses would be refused on closing, and not be told


def _print(connection: duckdb.DuckDBPyConnection, metric: str | None, form: str) -> None:
    connection.execute(SQL.read_text(encoding="utf-8") if metric is None else f"from {metric}")
    rows = connection.fetchall()
    if not rows:
        raise InputError(_why_none(metric))
    print(FORMATS[form]([name for (name, *_) in connection.description or []], rows))
    if metric is None:
        _tell_of_no_share(connection)


def _why_none(metric: str | None) -> str:
    if metric is None:
        return "no recipe was answered on samples that controls/full was answered on too; answer it as well"
    return f"{metric} has no row here: it needs rows of {', '.join(tally.sources(metric))}; print another metric"


def _tell_of_no_share(connection: duckdb.DuckDBPyConnection) -> None:
    """Say why OP is null, or counts fewer benchmarks than there are."""
    for model, benchmark in connection.execute(WORTH_NOTHING).fetchall():
        print(
            f"leanvlm: the full model of {model} is worth 0 on {benchmark}, so no share of it can be kept: op does not "
            "count it, and is null without another",
            file=sys.stderr,
        )


def _grades(texts: Sequence[str]) -> dict[str, str]:
    pairs = [text.partition("=") for text in texts]
    for task, _, name in pairs:
        if not task or not name:
            raise InputError(f"--grade {task!r} cannot be read; write TASK=NAME, as in chartqa=relaxed_overall")
    tasks = [task for task, *_ in pairs]
    if twice := {task for task in tasks if tasks.count(task) > 1}:
        raise InputError(f"--grade names {min(twice)!r} twice; leave one")
    return {task: name for task, _, name in pairs}


def _takes(parser: ArgumentParser) -> None:
    parser.add_argument("folder", nargs="?", type=path, metavar="DIR", help="predictions; without it, the store")
    parser.add_argument("--full", metavar="RECIPE", help=f"the full model's recipe (default: {FULL})")
    parser.add_argument("--metric", choices=sorted(tally.published()), metavar="NAME", help="print this metric whole")
    parser.add_argument("--model", metavar="NAME", help="the model of all of lmms-eval's files, else their folder")
    parser.add_argument(
        "--grade",
        action="append",
        default=[],
        metavar="TASK=NAME",
        help="a number of lmms-eval, or a rule; may be repeated",
    )
    parser.add_argument("--into", type=path, metavar="FILE", help="keep tables and metrics as this DuckDB file")
    add_store(parser)


COMMAND = Command(
    name="score",
    says="print OP, OG and OL of the store, or of any folder of predictions",
    details=DETAILS,
    example="leanvlm score logs --full baseline --grade chartqa=relaxed_overall --into mine.duckdb",
    run=run,
    takes=_takes,
)
