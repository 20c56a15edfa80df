"""The public face: its names, its docstrings' examples, and what it costs to import."""

from __future__ import annotations

import doctest
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import leanvlm

FUNCTIONS = ("answer", "compress", "evaluate", "generate", "load")


def test_the_exported_names_are_these() -> None:
    assert sorted(leanvlm.__all__) == sorted(
        ["InputError", "LeanvlmError", "RunError", "Sample", "answer", "compress", "evaluate", "generate", "load"]
    )
    assert dir(leanvlm) == sorted(leanvlm.__all__)
    assert all(getattr(leanvlm, name).__doc__ for name in leanvlm.__all__)
    assert (Path(leanvlm.__file__).parent / "py.typed").is_file()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_examples_in_the_docstrings_are_true(name: str) -> None:
    found = doctest.testmod(importlib.import_module(f"leanvlm.api.{name}"))
    assert (found.failed, found.attempted > 1) == (0, True)


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = "import sys, leanvlm; print([name for name in ('torch', 'transformers', 'duckdb') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'accelerate'"):
        leanvlm.accelerate  # noqa: B018
