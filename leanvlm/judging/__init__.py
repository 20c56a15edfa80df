"""What a judge is asked where no rule can say what an answer is worth: one benchmark, one file.

A file has a VERSION of its wording, the most tokens that a reply may have (MOST_TOKENS), and two functions: `messages`
writes what the judge is told, and `read` takes a grade of 0 to 1 from its reply, or nothing from one that is not as it
was asked for. A reply that cannot be read is no grade: it is not taken for 0, and no texts are compared in its place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

from leanvlm import plugins

COMPARED = ("llava_wilder",)  # whose judge gives the right answer points, too; `reference` reads them

Message = Mapping[str, Any]  # a role, and what it says


@dataclass(frozen=True)
class Asked:
    """An answer that is to be judged, with its question, what is right, and the pictures' files."""

    question: str
    answer: str
    answers: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    facts: Mapping[str, str | float] = field(default_factory=dict)
    images: tuple[bytes, ...] = ()


class Judging(Protocol):
    """What a file of this folder is."""

    VERSION: str
    MOST_TOKENS: int

    def messages(self, asked: Asked) -> list[Message]:
        """Write what the judge is told."""
        ...

    def read(self, reply: str, asked: Asked) -> float | None:
        """Give the grade that a reply says, 0 to 1; None where it says none, or one that is out of range."""
        ...


def ids() -> tuple[str, ...]:
    """List the benchmarks whose answers a judge can be asked about."""
    return plugins.ids("judging")


def load(name: str) -> Judging:
    """Return what a judge is asked of a benchmark's answers.

    Raises: InputError for a name without a file.
    """
    return cast(Judging, plugins.module("judging", name))


def reference(name: str, reply: str) -> float | None:
    """Give what a reply that can be read says the right answer is worth; None where the judge does not compare."""
    if name not in COMPARED:
        return None
    found: float = plugins.module("judging", name).reference(reply)
    return found
