"""Read params.yaml and refuse what it should not say."""

from __future__ import annotations

from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from leanvlm.errors import InputError
from leanvlm.params._names import DEVICES, DTYPES, check_names
from leanvlm.params._typed import build
from leanvlm.params.blocks import PROFILES, Ablation, Answering, Params

__all__ = ["DEVICES", "DTYPES", "PROFILES", "Ablation", "Answering", "Params", "load", "read"]


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
    if not path.is_file():
        raise InputError(f"no {path} here; run from the repository's root")
    try:
        text = YAML(typ="safe").load(path)  # YAML 1.2, as DVC reads it
    except YAMLError as error:
        raise InputError(f"{path} is not YAML ({_problem(error)}); correct it or `git checkout {path}`") from None
    params: Params = build(Params, text, "params.yaml")
    return params


def _problem(error: YAMLError) -> str:
    """Say on one line what is wrong, and where."""
    if isinstance(error, MarkedYAMLError) and error.problem and error.problem_mark:
        return f"{error.problem.splitlines()[0]} in line {error.problem_mark.line + 1}"
    return str(error).strip().splitlines()[0]
