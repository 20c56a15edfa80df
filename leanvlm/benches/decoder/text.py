"""Prose that every Python brings along: the language reference, which `help("import")` prints.

Source:  `pydoc_data.topics` of the Python that runs, PSF license. Its text differs a little from version to version.
"""

from __future__ import annotations

import platform
import random
import re
from collections.abc import Iterator
from pydoc_data.topics import topics
from typing import Any

import torch
from torch import Tensor

from leanvlm.errors import InputError

SOURCE = f"the Python {platform.python_version()} language reference (pydoc_data.topics)"
NO_PROSE = re.compile(r"::=|>>>|\*\*\*\*|====|----")  # grammar, examples, headings


def paragraphs() -> list[str]:
    """Return the reference's paragraphs in order, each on one line and once: many topics hold parts of others."""
    return list(dict.fromkeys(line for name in sorted(topics) for line in _prose(topics[name])))


def windows(tokenizer: Any, length: int) -> list[Tensor]:
    """Cut the prose into windows that share no token, in a random order that stays.

    Shapes: -> (1, length) each.
    """
    ids = torch.tensor(tokenizer("\n\n".join(paragraphs()), add_special_tokens=False).input_ids)
    cut = list(torch.split(ids[: len(ids) // length * length], length))
    random.Random(0).shuffle(cut)
    return [window[None] for window in cut]


def take(found: list[Tensor], n: int) -> list[Tensor]:
    """Take the next `n` windows away.

    Raises: InputError where fewer are left.
    """
    if len(found) < n:
        raise InputError(f"{n} windows of prose are asked for and {len(found)} are left; ask for fewer")
    taken, found[:] = found[:n], found[n:]
    return taken


def _prose(text: str) -> Iterator[str]:
    for paragraph in re.split(r"\n\s*\n", text):
        line = " ".join(paragraph.split())
        if re.match("[A-Z]", line) and line.endswith(".") and not NO_PROSE.search(line):
            yield line
