"""`leanvlm plan`: what a run would fetch, make and answer, and how long it would take."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from leanvlm import files
from leanvlm.commands import Command
from leanvlm.printing import FORMATS

COLUMNS = ("model", "what", "amount", "unit", "note")
DETAILS = """\
Nothing is run. A line for each thing that `make repro` would do: gigabytes to fetch and to store, checkpoints to make,
cells that are stored, skipped (with the reason) and to be answered, hours, where a rate was measured, and the answers
and dollars of a judge, at most. --measure asks two samples of each sweep on the device that params.yaml names, and
keeps what it learnt."""


def run(arguments: Namespace) -> None:
    """Print the plan.

    Raises: InputError for a profile that is not there, a params.yaml that cannot be used, samples that are not drawn.
    """
    from leanvlm.params import load
    from leanvlm.pipeline.plan import steps

    params = load(files.PARAMS, profile=arguments.profile)
    rows = [
        (one.model, one.what, "unknown" if one.amount is None else f"{one.amount:.3g}", one.unit, one.note)
        for one in steps(params, measure=arguments.measure)
    ]
    print(FORMATS[arguments.format](COLUMNS, rows))


def _takes(parser: ArgumentParser) -> None:
    parser.add_argument("--profile", help="a file of profiles/ that is laid over params.yaml")
    parser.add_argument("--measure", action="store_true", help="ask two samples of each sweep to learn the hours")


COMMAND = Command(
    name="plan",
    says="say what a run would fetch, make, answer and take, before it is paid for",
    details=DETAILS,
    example="leanvlm plan --profile llava-onevision-7b",
    run=run,
    takes=_takes,
)
