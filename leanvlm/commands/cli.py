"""The command line: `leanvlm COMMAND`, one file of leanvlm/commands each."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from typing import NoReturn

from leanvlm.commands import (
    Command,
    clean,
    compare,
    explain,
    grade,
    lists,
    plan,
    recommend,
    run,
    score,
    sql,
    verify_paper,
)
from leanvlm.errors import InputError, exit_on_error
from leanvlm.printing import FORMATS
from leanvlm.texts import perhaps

COMMANDS: tuple[Command, ...] = (
    *lists.COMMANDS,
    run.COMMAND,
    score.COMMAND,
    grade.COMMAND,
    compare.COMMAND,
    recommend.COMMAND,
    sql.COMMAND,
    explain.COMMAND,
    plan.COMMAND,
    clean.COMMAND,
    verify_paper.COMMAND,
)
CHOICE = re.compile(r"(?P<place>argument .*): invalid choice: '(?P<word>.*)' \(choose from (?P<known>.*)\)", re.DOTALL)


def main() -> None:
    """Run one command; wrong input is one sentence on standard error and exit status 2."""
    exit_on_error(lambda: call(sys.argv[1:]))


def call(arguments: Sequence[str]) -> None:
    """Run the command line from Python, without exiting."""
    for argument in arguments:
        if re.fullmatch(r"--[^=]*=--", argument):  # of which argparse makes an empty list, whatever the option is
            raise InputError(f"{argument} has no value; write what stands for it after the equals sign")
    asked = _parser().parse_args(arguments)
    asked.run(asked)


class _Parser(argparse.ArgumentParser):
    """What argparse finds wrong is one sentence too."""

    def error(self, message: str) -> NoReturn:
        """Refuse the command line."""
        if found := CHOICE.fullmatch(message):
            near = perhaps(found["word"], re.findall(r"[\w-]+", found["known"]))
            message = f"{found['place']}: no {found['word']!r}{near}; choose from {found['known'].replace(chr(39), '')}"
        raise InputError(f"{message}; see `{self.prog} --help`")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="leanvlm",
        description="Evidence on training-free acceleration of vision-language models.",
        epilog="`leanvlm COMMAND --help` says more and shows an example.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in COMMANDS:
        _add(commands, command)
    return parser


def _add(commands: argparse._SubParsersAction[_Parser], command: Command) -> None:
    parser = commands.add_parser(
        command.name,
        help=command.says,
        description=f"{command.says[0].upper()}{command.says[1:]}.\n\n{command.details}".rstrip(),
        epilog=f"example:\n  {command.example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    if command.takes is not None:
        command.takes(parser)
    parser.add_argument("--format", choices=tuple(FORMATS), default="table", help="how to print (default: %(default)s)")
    parser.set_defaults(run=command.run)
