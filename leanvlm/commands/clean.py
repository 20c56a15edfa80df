"""`leanvlm clean`: what takes up the disk and no run of the grid needs, and, once asked to, its deletion."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace

from leanvlm import files
from leanvlm.commands import Command
from leanvlm.printing import FORMATS

COLUMNS = ("what", "n", "GB", "note")
DETAILS = """\
Nothing is deleted without --yes; then just what is listed is. A line for each kind: checkpoints that the grid of
params.yaml does not need, stored cells that it does not ask for, what finished runs of the Prefect UI laid over
params.yaml, what killed processes left half written, and what of DVC's cache no stage has as its output. Deleting a
checkpoint makes the next run read the stored answers anew, and measure seconds again; a deleted cell is answered again
if its settings come back; a run whose file is deleted cannot be repeated by it. Nothing outside of artifacts/, data/,
runs/ and .dvc/cache is touched, nor is the hub's cache (HF_HOME). Another profile's checkpoints count as not needed.
Cells in a bucket that `storage:` of params.yaml names may be another grid's: they go with --yes --bucket."""


def run(arguments: Namespace) -> None:
    """Print what would be freed, and free it if asked to.

    Raises: InputError for a profile that is not there or a params.yaml that cannot be used, RunError while a run holds
        the checkout, and where something cannot be deleted.
    """
    from leanvlm.params import load
    from leanvlm.pipeline.clean import Objects, delete, kinds
    from leanvlm.pipeline.reproduce import HOLD
    from leanvlm.processes.lock import only_run

    params = load(files.PARAMS, profile=arguments.profile)
    with only_run(HOLD):
        found = kinds(params)
        rows = [(kind.what, kind.n, f"{kind.size / 1e9:.3g}", kind.note) for kind in found]
        print(FORMATS[arguments.format](COLUMNS, rows))
        own = [kind for kind in found if arguments.bucket or not isinstance(kind, Objects)]
        size = f"{sum(kind.size for kind in own) / 1e9:.3g} GB"
        if arguments.yes:
            delete(own)
            print(f"{size} are freed", file=sys.stderr)
        else:
            print(f"nothing is deleted; `leanvlm clean --yes` frees {size}", file=sys.stderr)


def _takes(parser: ArgumentParser) -> None:
    parser.add_argument("--yes", action="store_true", help="delete what is listed, but for cells in a bucket")
    parser.add_argument("--bucket", action="store_true", help="with --yes: delete cells in a bucket too")
    parser.add_argument("--profile", help="a file of profiles/ that is laid over params.yaml (default: the last run's)")


COMMAND = Command(
    name="clean",
    says="say what on the disk no run of the grid needs, and delete it with --yes",
    details=DETAILS,
    example="leanvlm clean",
    run=run,
    takes=_takes,
)
