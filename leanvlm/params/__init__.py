"""Read params.yaml and refuse what it should not say."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

from leanvlm import files
from leanvlm.params._names import DEVICES, DTYPES, check_names
from leanvlm.params._profiles import over
from leanvlm.params._typed import build
from leanvlm.params._yaml import read_text, read_yaml
from leanvlm.params.blocks import Ablation, Answering, Params

__all__ = ["DEVICES", "DTYPES", "Ablation", "Answering", "Params", "load", "read", "read_text"]

FORMER = {  # keys that were read once, and what became of them
    "weights": "the recipes say what is in it",
    "profile": "`make repro PROFILE=all` lays profiles/all.yaml over this file",
}


def load(path: Path) -> Params:
    """Read and check params.yaml.

    Raises: InputError naming the first key, name or recipe that cannot be used.
    """
    params = read(path)
    check_names(params)
    return params


def read(path: Path) -> Params:
    """Read params.yaml with the profile that is laid over it, and check keys and types, not yet what they name.

    Raises: InputError naming the first key that is missing, unknown or of another type.
    """
    values = read_yaml(path)
    if isinstance(values, dict):
        for place, key in ((values, "weights"), (values.get("grid"), "profile")):
            if isinstance(place, dict) and key in place:
                _tell(f"{path}: the key `{key}:` is not read any more, since {FORMER[key]}; delete it")
                del place[key]
    laid = path.parent / files.LAID
    params: Params = build(Params, over(values, read_yaml(laid)) if laid.is_file() else values, "params.yaml")
    return params


@cache
def _tell(sentence: str) -> None:
    """Tell something once."""
    print(f"leanvlm: {sentence}", file=sys.stderr)
