"""Every error that leanvlm raises on purpose. Its text is one sentence: what was wrong, what is allowed, what to do.

A sentence may quote what a user wrote, which can be of any length and hold anything. So wrong input is told on one line
of at most LONGEST characters, whoever raises it: what does not print is escaped, and what is too long loses its middle.

LeanvlmError
|-- InputError      the user can mend it: a name, a setting, a key, a file; exit status 2
`-- RunError        the run failed on its own: a gate, a check, a child process; exit status 1
"""

from __future__ import annotations

import codecs
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from leanvlm import disk
from leanvlm.processes.endings import ending_well
from leanvlm.texts import printable

# Packages that the base does without, by the name that is imported, under the extra of pyproject.toml that has them.
EXTRAS = {
    "models": (
        "PIL",
        "easy_vqa",
        "huggingface_hub",
        "safetensors",
        "tokenizers",
        "torch",
        "tqdm",
        "transformers",
    ),
    "video": ("av",),
    "compress": ("compressed_tensors", "llmcompressor", "loguru"),
    "lmms-eval": ("lmms_eval",),
    "pipeline": (
        "dvc",
        "fastapi",
        "great_expectations",
        "httpx",
        "jinja2",
        "markupsafe",
        "pandas",
        "prefect",
        "pydantic",
        "uvicorn",
        "voluptuous",
    ),
    "dask": ("dask", "distributed", "prefect_dask", "tornado"),
    "ray": ("prefect_ray", "ray"),
    "s3": ("boto3", "botocore", "s3transfer"),
    "dev": ("polars",),
}

REFUSED = "LEANVLM_REFUSED"  # in the environment of a run's processes: a file that one makes that refuses its input
LONGEST = 300  # characters of the sentence about wrong input
END = 120  # of these, how many of its end stay, which says what to do
BRIEF = 120  # characters of what a library says, inside a sentence of ours


class LeanvlmError(Exception):
    """What a person sees instead of a traceback."""

    exit_status = 1


class InputError(LeanvlmError):
    """Something that the user wrote, asked for or left on disk cannot be used."""

    exit_status = 2

    def __init__(self, sentence: str) -> None:
        super().__init__(_on_one_line(sentence))


class RunError(LeanvlmError):
    """A run ended without its result."""


def _on_one_line(text: str) -> str:
    line = printable(text)
    return line if len(line) <= LONGEST else f"{line[: LONGEST - END - 5]} ... {line[-END:]}"


def in_brief(error: BaseException) -> str:
    """Say why a library refused: the first line of what it says, else its error's kind."""
    lines = [" ".join(line.split()) for line in str(error).splitlines()]
    said = printable(next(filter(None, lines), ""))[:BRIEF].rstrip(". ")
    return said or type(error).__name__


def with_kind(error: BaseException) -> str:
    """Say of what kind a library's error is, and why; see `in_brief`."""
    kind, said = type(error).__name__, in_brief(error)
    return kind if said == kind else f"{kind}: {said}"


@contextmanager
def naming_extras() -> Iterator[None]:
    """Say of a package that cannot be imported how to install it.

    Raises: InputError where a package of an extra is missing; any other one stays what it is, a defect.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        for extra, packages in EXTRAS.items():
            if package in packages:
                raise InputError(f'{package} is not installed; run: pip install "leanvlm[{extra}]"') from None
        raise


def exit_on_error(main: Callable[[], None]) -> None:
    """Run `main`; print one of our errors as its sentence on standard error and exit with its status.

    Ctrl-C and SIGTERM end it with one sentence, and with 130 or 143. A reader of its output who has seen enough, such
    as `head`, ends it quietly. What the system refuses is no defect of ours either, and gets a sentence.
    """
    try:
        with ending_well(), naming_extras():
            main()
        if sys.stdout is not None:  # closed by whoever wants nothing of it
            sys.stdout.flush()
    except BrokenPipeError:
        _drop_output()
    except LeanvlmError as error:
        print(f"leanvlm: {error}", file=sys.stderr)
        if isinstance(error, InputError) and REFUSED in os.environ:
            Path(os.environ[REFUSED]).touch()  # DVC, which stands between, passes no status on
        sys.exit(error.exit_status)
    except (OSError, UnicodeEncodeError) as error:
        if (said := _narrow(error) if isinstance(error, UnicodeEncodeError) else _of_the_system(error)) is None:
            raise
        _drop_output()
        print(f"leanvlm: {said}", file=sys.stderr)
        sys.exit(RunError.exit_status)


def _of_the_system(error: OSError) -> str | None:
    return disk.gone() or disk.refusal(error, Path.cwd()) or disk.lost(error)


def _narrow(error: UnicodeEncodeError) -> str | None:
    """Say of a terminal's encoding that it lacks a sign; nothing of UTF-8, which lacks none, nor of any other."""
    used = None if sys.stdout is None else codecs.lookup(sys.stdout.encoding).name
    if used == "utf-8" or codecs.lookup(error.encoding).name != used:
        return None
    return (f"standard output is written as {used}, which has no {error.object[error.start]!a}; set "
            "PYTHONIOENCODING=utf-8, and run again")  # fmt: skip


def _drop_output() -> None:
    """Let what could not be printed go: Python would complain once more on exit."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
