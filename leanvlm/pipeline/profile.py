"""Keep params.yaml ready for DVC: its profile, and the checkpoints that the profile's recipes need."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from leanvlm import files
from leanvlm.errors import InputError
from leanvlm.params import PROFILES, load, read

PASSED = Path(".dvc/tmp/leanvlm.params")  # the digest of a params.yaml that was checked


def choose_profile(name: str) -> None:
    """Write the profile into params.yaml, where DVC and a reader find it.

    Raises: InputError for an unknown profile, or a params.yaml without the line `profile:`.
    """
    if name not in PROFILES:
        raise InputError(f"no profile {name!r}; choose {' or '.join(PROFILES)}, as in `make repro PROFILE=all`")
    path = files.PARAMS
    text = path.read_text() if path.is_file() else ""
    new, found = re.subn(r"(?m)^(  profile: )\w+", rf"\g<1>{name}", text)
    if not found:
        raise InputError("no params.yaml with a line `profile:` under `grid:` here; run from the repository's root")
    if new != text:
        path.write_text(new)
        print(f"params.yaml: the profile is now {name}")
        list_checkpoints(path)


def check_params() -> None:
    """Refuse a params.yaml that cannot be used; one that passed is not read again, since that imports every method."""
    path = files.PARAMS
    if not path.is_file() or not PASSED.is_file() or PASSED.read_text() != _digest(path):
        list_checkpoints(path)
        load(path)
        files.write(_digest(path), PASSED)


def list_checkpoints(path: Path) -> None:
    """Keep the block `weights:` to what the profile's recipes need: DVC makes one checkpoint for each line of it."""
    params = read(path)
    lines = "".join(f'\n  {name}: "{text}"' for name, text in params.needed_checkpoints.items())
    if params.weights != params.needed_checkpoints:
        block = f"weights:{lines or ' {}'}\n"
        path.write_text(re.sub(r"(?m)^weights:.*\n([ \t].*\n)*", lambda _: block, path.read_text()))
        print(f"params.yaml: `weights:` now lists the {len(params.needed_checkpoints)} checkpoints of the recipes")


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
