"""A profile: a file of profiles/ whose values are laid over params.yaml for one run; the user's file stays as it is.

What is laid lies in artifacts/profile.yaml, with null for all else, so that DVC sees each value that a stage reads.
"""

from __future__ import annotations

import hashlib
import io
import re
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, get_type_hints

from ruamel.yaml import YAML

from leanvlm import files
from leanvlm.errors import InputError
from leanvlm.params._yaml import read_text, read_yaml
from leanvlm.params.params import Params
from leanvlm.texts import perhaps

NONE = "default"  # the name of no profile
SEALED = re.compile(r"# [^\n]*\bsha256 ([0-9a-f]{16})\n(.*)", re.DOTALL)


def names(root: Path) -> list[str]:
    """List the profiles of a checkout."""
    return sorted(path.stem for path in (root / files.PROFILES).glob("*.yaml"))


def read_profile(name: str, root: Path) -> dict[str, Any]:
    """Read a profile's values.

    Raises: InputError for a name without a file, and for what is no block of values.
    """
    known = names(root)
    if name != NONE and name not in known:
        known = [NONE, *known]
        raise InputError(f"no profile {name[:60]!r}{perhaps(name, known)}; the profiles are {', '.join(known)}")
    return {} if name == NONE else read_overlay(root / files.PROFILES / f"{name}.yaml")


def read_overlay(path: Path) -> dict[str, Any]:
    """Read a file of values that may lie over params.yaml.

    Raises: InputError for what is no block of values.
    """
    found = read_yaml(path)
    if not isinstance(found, dict):
        raise InputError(f"{path} holds no blocks; write them as in params.yaml")
    return found


def sealed(writer: str, values: dict[str, Any]) -> str:
    """Write what lies over params.yaml, under a hash of it: half a profile is a valid one too, of another grid.

    Takes: writer, the run that lays it.
    """
    text = dumped(values)
    return f"# Written by {writer}; do not edit. sha256 {_hash(text)}\n{text}"


def read_laid(root: Path) -> Any:
    """Read what the last run laid over params.yaml; None where there was none.

    Raises: InputError where the file is not as the run wrote it.
    """
    path = root / files.LAID
    if not path.is_file():
        return None
    found = SEALED.fullmatch(read_text(path))
    if found is None or found[1] != _hash(found[2]):
        raise InputError(f"{path} is damaged or was edited; run `make repro` (PROFILE=... lays one), which writes it "
                         "anew")  # fmt: skip
    return read_yaml(path)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def over(values: Any, laid: Any) -> Any:
    """Lay values over others: blocks key by key, anything else as a whole; null lays nothing."""
    if not isinstance(laid, dict):
        return values if laid is None else laid
    found = dict(values) if isinstance(values, dict) else {}
    merged = {key: over(found.get(key), value) for key, value in laid.items()}
    return found | {key: value for key, value in merged.items() if value is not None} or values


def laid_text(root: Path) -> str:
    """Write what is laid over params.yaml, for a reader; nothing where no profile is."""
    laid = over({}, read_laid(root))
    return f"\n# A profile lies over it:\n{dumped(laid)}" if laid else ""


def dumped(values: dict[str, Any]) -> str:
    """Write values as YAML, a line each."""
    text = io.StringIO()
    yaml = YAML(typ="safe")
    yaml.default_flow_style = False
    yaml.dump(values, text)
    return text.getvalue()


def blank(kind: Any = Params) -> dict[str, Any]:
    """Return every key of params.yaml with null, down to where a block may have any keys."""
    hints = get_type_hints(kind)
    return {one.name: blank(hints[one.name]) if is_dataclass(hints[one.name]) else None for one in fields(kind)}
