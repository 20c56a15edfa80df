"""Every error that leanvlm raises on purpose. Its text is one sentence: what was wrong, what is allowed, what to do.

LeanvlmError
|-- InputError      the user can mend it: a name, a setting, a key, a file; exit status 2
`-- RunError        the run failed on its own: a gate, a check, a child process; exit status 1
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable


class LeanvlmError(Exception):
    """What a person sees instead of a traceback."""

    exit_status = 1


class InputError(LeanvlmError):
    """Something that the user wrote, asked for or left on disk cannot be used."""

    exit_status = 2


class RunError(LeanvlmError):
    """A run ended without its result."""


def exit_on_error(main: Callable[[], None]) -> None:
    """Run `main`; print one of our errors as its sentence on standard error and exit with its status.

    A reader of its output who has seen enough, such as `head`, ends it quietly.
    """
    try:
        main()
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python complains once more on exit
    except LeanvlmError as error:
        print(f"leanvlm: {error}", file=sys.stderr)
        sys.exit(error.exit_status)
