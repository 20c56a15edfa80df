"""Which shapes there are; params.yaml is checked for them without the libraries that build them."""

from __future__ import annotations

from pathlib import Path

from leanvlm import files
from leanvlm.errors import InputError
from leanvlm.texts import perhaps


def names(root: Path = Path()) -> list[str]:
    """List the shapes of a checkout."""
    return sorted(path.stem for path in (root / files.SHAPES).glob("*.json"))


def refuse_unknown(name: str) -> None:
    """Raise: InputError for a name without a file."""
    if name not in names():
        raise InputError(f"no shape {name[:60]!r}{perhaps(name, names())}; profiles/shapes has {', '.join(names())}")
