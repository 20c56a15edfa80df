"""Read YAML that a person wrote: plain values, each where it stands.

Anchors, merges and tags are refused. No setting needs them, and a few lines of them can stand for more values than
memory holds, or for what another program would read otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from leanvlm.errors import InputError, in_brief

MOST_BYTES = 1_000_000  # of the file
LONGEST = 1000  # characters of one value
DEEPEST = 20  # blocks and lists in one another


def read_text(path: Path) -> str:
    """Read a file that a person wrote, with its line ends as they are.

    Raises: InputError where it is missing, cannot be read, is too large or is not UTF-8.
    """
    if not path.is_file():
        raise InputError(f"no {path} here; run from the repository's root")
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InputError(f"{path} is larger than {MOST_BYTES // 10**6} MB; leave in it what are settings")
        return path.read_bytes().decode("utf-8")
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 at byte {error.start + 1}; save it as UTF-8") from None


def read_yaml(path: Path) -> Any:
    """Read the plain values of a file.

    Raises: InputError where it cannot be read, is no YAML, or holds more than plain values.
    """
    text = read_text(path)
    try:
        _refuse_more_than_values(text, path)
        return YAML(typ="safe").load(text)  # YAML 1.2, as DVC reads it
    except (YAMLError, ValueError) as error:
        raise InputError(f"{path} is not YAML ({_problem(error)}); correct it, `git diff {path}` shows what "
                         "changed") from None  # fmt: skip


def events(text: str) -> Iterator[tuple[Event, int]]:
    """Yield what stands in a YAML text, each with how many blocks and lists it lies in.

    `load` needs a C stack as deep as the text and crashes without it, this does not.

    Raises: YAMLError where it is no YAML.
    """
    depth = 0
    for event in YAML(typ="safe").parse(text):
        depth += isinstance(event, MappingStartEvent | SequenceStartEvent)
        depth -= isinstance(event, MappingEndEvent | SequenceEndEvent)
        yield event, depth


def _refuse_more_than_values(text: str, path: Path) -> None:
    for event, depth in events(text):
        if said := _too_much(event, depth):
            line = event.start_mark.line + 1
            raise InputError(f"{path} has {said} in line {line}; write each value where it stands")


def _too_much(event: Event, depth: int) -> str:
    if depth > DEEPEST:
        return f"more than {DEEPEST} blocks in one another"
    if isinstance(event, ScalarEvent) and len(event.value) > LONGEST:
        return f"a value of more than {LONGEST} characters"
    if isinstance(event, AliasEvent) or (isinstance(event, NodeEvent) and event.anchor is not None):
        return "an anchor (& or *)"
    return "a tag (!)" if getattr(event, "tag", None) is not None else ""


def _problem(error: Exception) -> str:
    """Say on one line what is wrong, and where."""
    if isinstance(error, MarkedYAMLError) and error.problem and error.problem_mark:
        return f"{error.problem.splitlines()[0]} in line {error.problem_mark.line + 1}"
    return in_brief(error)
