"""The public face: its names, its docstrings' examples, and what it costs to import."""

from __future__ import annotations

import doctest
import importlib
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

import leanvlm
from leanvlm.models._model import LoadedModel

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


RED = Image.new("RGB", (32, 32), "red")


@pytest.mark.parametrize(
    ("images", "question", "limit", "said"),
    [
        ("a.png", "what?", 4, "images is one str; give a list of pictures, also of one"),
        (RED, "what?", 4, "images is one Image; give a list"),
        (b"\x89PNG", "what?", 4, "images is one bytes; give a list"),
        ([None], "what?", 4, r"a picture is one NoneType; give a PIL\.Image, or the path of a file"),
        ([b"\x89PNG"], "what?", 4, "a picture is one bytes"),
        ([RED], 3, 4, "the question is 3; ask a text, or a list of them"),
        ([RED], ["what?", None], 4, "the question is .* ask a text, or a list of them"),
        ([RED], "what?", "4", "max_new_tokens is '4'; it must be a whole number, 1 or more"),
        ([RED], "what?", None, "max_new_tokens is None"),
    ],
)
def test_what_cannot_be_asked_is_a_sentence(
    images: object, question: object, limit: object, said: str, model: LoadedModel
) -> None:
    with pytest.raises(leanvlm.InputError, match=said):
        leanvlm.answer(model, images, question, max_new_tokens=limit)  # type: ignore[call-overload]


@pytest.mark.parametrize("n", [0, 2.5, "2", None])
def test_only_a_whole_number_of_samples_is_asked(n: object, model: LoadedModel) -> None:
    with pytest.raises(leanvlm.InputError, match="n and max_new_tokens of 1 or more, whole numbers"):
        leanvlm.evaluate(model, recipes=[], benchmarks=["scenes"], n=n)  # type: ignore[arg-type]


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'accelerate'"):
        leanvlm.accelerate  # noqa: B018
