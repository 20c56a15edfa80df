"""`leanvlm verify-paper`: what EffiVLM-Bench printed, recomputed, or laid beside what our grid reaches."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from leanvlm import files
from leanvlm.commands import Command
from leanvlm.commands._arguments import path
from leanvlm.errors import InputError


def run(arguments: Namespace) -> None:
    """Recompute what EffiVLM-Bench printed, or the same from a file of scores; or compare a store with it."""
    from leanvlm.paper import command

    if arguments.scores is not None and arguments.store is not None:
        raise InputError("--scores and --store ask for different things; leave one")
    if arguments.store is not None:
        command.beside(arguments.store, form=arguments.format)
    elif arguments.scores is None:
        command.verify(form=arguments.format)
    else:
        command.show(arguments.scores, form=arguments.format)


def _takes(parser: ArgumentParser) -> None:
    parser.add_argument("--scores", type=path, metavar="FILE", help="model > budget > method > benchmark > score")
    parser.add_argument("--store", type=path, nargs="?", const=files.STORE, metavar="FILE",
                        help="compare the cells of a store instead, ours where no file is named")  # fmt: skip


COMMAND = Command(
    name="verify-paper",
    says="recompute OP and OG that EffiVLM-Bench printed, or lay our cells beside its own",
    example="leanvlm verify-paper --format csv",
    run=run,
    takes=_takes,
)
