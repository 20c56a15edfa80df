"""`leanvlm verify-paper`: what EffiVLM-Bench printed, recomputed."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from leanvlm.commands import Command
from leanvlm.commands._arguments import path


def run(arguments: Namespace) -> None:
    """Recompute what EffiVLM-Bench printed, or the same from a file of scores."""
    from leanvlm.paper import command

    if arguments.scores is None:
        command.verify(form=arguments.format)
    else:
        command.show(arguments.scores, form=arguments.format)


def _takes(parser: ArgumentParser) -> None:
    parser.add_argument("--scores", type=path, metavar="FILE", help="model > budget > method > benchmark > score")


COMMAND = Command(
    name="verify-paper",
    says="recompute OP and OG that EffiVLM-Bench printed",
    example="leanvlm verify-paper --format csv",
    run=run,
    takes=_takes,
)
