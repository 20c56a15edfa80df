"""Read params.yaml and refuse what it should not say."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from typing import Any

from leanvlm.errors import InputError
from leanvlm.params._names import DEVICES, DTYPES, check_names
from leanvlm.params._profiles import NONE, over, read_laid, read_profile
from leanvlm.params._yaml import read_yaml
from leanvlm.params.answering import Answering
from leanvlm.params.params import Params
from leanvlm.params.results import Ablation
from leanvlm.typed import build

__all__ = ["DEVICES", "DTYPES", "Ablation", "Answering", "Params", "load", "read"]

FORMER = {  # keys that were read once, and what became of them
    "weights": "the recipes say what is in it",
    "profile": "`make repro PROFILE=all` lays profiles/all.yaml over this file",
}


def load(path: Path, *, profile: str | None = None) -> Params:
    """Read and check params.yaml, with a profile over it: one of profiles/, else the one that `make repro` laid last.

    Raises: InputError naming the first key, name or recipe that cannot be used.
    """
    params = read(path, profile=profile)
    try:
        check_names(params)
    except InputError as error:
        laid = f" with profiles/{profile}.yaml over it" if profile not in (None, NONE) else ""
        raise InputError(str(error) if path.name in str(error) else f"{path.name}{laid}: {error}") from None
    return params


def read(path: Path, *, profile: str | None = None) -> Params:
    """Read params.yaml with a profile over it, see `load`, and check keys and types, not yet what they name.

    Raises: InputError naming the first key that is missing, unknown or of another type.
    """
    values = read_yaml(path)
    if values is None:
        raise InputError(f"{path} holds no settings; `git diff {path}` shows what is gone")
    if isinstance(values, dict):
        for place, key in ((values, "weights"), (values.get("grid"), "profile")):
            if isinstance(place, dict) and key in place:
                _tell(f"{path}: the key `{key}:` is not read any more, since {FORMER[key]}; delete it")
                del place[key]
    params: Params = build(Params, over(values, _laid(path.parent, profile)), "params.yaml")
    return params


def _laid(root: Path, profile: str | None) -> Any:
    return read_laid(root) if profile is None else read_profile(profile, root)


@cache
def _tell(sentence: str) -> None:
    """Tell something once."""
    print(f"leanvlm: {sentence}", file=sys.stderr)
