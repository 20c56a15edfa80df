"""Faults by the thousand, a file a kind: what is damaged, hostile or mistaken is refused in a sentence, or harmless.

`make test` tries one in twenty, `make test-faults` all, and prints how many of each kind held.
"""

from __future__ import annotations

from collections.abc import Callable

from leanvlm.errors import LONGEST, InputError


def refusal(call: Callable[[], object]) -> str | None:
    """Call; return the sentence that the user would see, or nothing where it was answered. Anything else is a fault."""
    try:
        call()
    except InputError as error:
        said = str(error)
    else:
        return None
    assert said.isprintable(), said
    assert 10 < len(said) <= LONGEST, said
    return said
