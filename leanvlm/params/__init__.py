"""Read params.yaml and refuse what it should not say."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

from leanvlm.params._names import DEVICES, DTYPES, check_names
from leanvlm.params._typed import build
from leanvlm.params._yaml import read_text, read_yaml
from leanvlm.params.blocks import PROFILES, Ablation, Answering, Params

__all__ = ["DEVICES", "DTYPES", "PROFILES", "Ablation", "Answering", "Params", "load", "read", "read_text"]

FORMER = "weights"  # the block of checkpoints, which was written into params.yaml before artifacts/checkpoints.yaml


def load(path: Path) -> Params:
    """Read and check params.yaml.

    Raises: InputError naming the first key, name or recipe that cannot be used.
    """
    params = read(path)
    check_names(params)
    return params


def read(path: Path) -> Params:
    """Read params.yaml, and check its keys and types, not yet what they name.

    Raises: InputError naming the first key that is missing, unknown or of another type.
    """
    values = read_yaml(path)
    if isinstance(values, dict) and FORMER in values:
        _tell(f"{path}: the block `{FORMER}:` is not read any more, since the recipes say what is in it; delete it")
        del values[FORMER]
    params: Params = build(Params, values, "params.yaml")
    return params


@cache
def _tell(sentence: str) -> None:
    """Tell something once."""
    print(f"leanvlm: {sentence}", file=sys.stderr)
