"""The folder is the registry: a file's path is its id, and its class has the folder's name.

`leanvlm/methods/cache/snapkv.py` is the method `cache/snapkv`. Files that begin with an underscore are plumbing.
"""

from __future__ import annotations

import ast
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from leanvlm.errors import InputError, naming_extras
from leanvlm.texts import perhaps

ROOT = Path(__file__).parent
CLASSES = {"methods": "Method", "models": "Model", "benchmarks": "Benchmark"}
NOUNS = {"judging": "judge"}  # what a file is, where the folder's name does not say it


@cache
def ids(kind: str) -> tuple[str, ...]:
    """List the ids of one kind, a folder of leanvlm: "methods", "models", "benchmarks", "judging" and the like."""
    folder = ROOT / kind
    files = (path.relative_to(folder) for path in sorted(folder.rglob("*.py")))
    return tuple(path.with_suffix("").as_posix() for path in files if not path.name.startswith("_"))


def check(kind: str, name: str) -> None:
    """Raise InputError for an id without a file; nothing is imported."""
    if name not in ids(kind):
        noun, known = NOUNS.get(kind, kind.removesuffix("s")), ids(kind)
        near, listed = perhaps(name, known), ", ".join(known)
        raise InputError(f"no {noun} {name!r}{near}; a {noun} is a file under leanvlm/{kind}: {listed}")


def module(kind: str, name: str) -> ModuleType:
    """Import the file behind an id.

    Raises: InputError for an id without a file, or where a package that it imports is not installed.
    """
    check(kind, name)
    with naming_extras():
        return import_module(f"leanvlm.{kind}.{name.replace('/', '.')}")


def load(kind: str, name: str) -> Any:
    """Return the plug-in's class."""
    return getattr(module(kind, name), CLASSES[kind])


def docstring(kind: str, name: str) -> str:
    """Return the text at the top of a plug-in's file, without importing what the file needs."""
    check(kind, name)
    text = (ROOT / kind / f"{name}.py").read_text(encoding="utf-8")
    return ast.get_docstring(ast.parse(text), clean=False) or ""


def title(kind: str, name: str) -> str:
    """Return what people call the plug-in: its docstring's first line before the colon."""
    return _first_line(kind, name)[0]


def description(kind: str, name: str) -> str:
    """Return what the plug-in does: its docstring's first line after `TITLE: `."""
    return _first_line(kind, name)[1]


def source(kind: str, name: str) -> str:
    """Return what the plug-in's docstring says after `Source:`, on one line."""
    return paragraph(kind, name, "Source")


def paragraph(kind: str, name: str, word: str) -> str:
    """Return what the plug-in's docstring says after a word and a colon, on one line; nothing where it is not there."""
    lines = docstring(kind, name).splitlines()
    starts = [index for index, line in enumerate(lines) if line.startswith(f"{word}:")]
    if not starts:
        return ""
    found = [lines[starts[0]].removeprefix(f"{word}:").strip()]
    for line in lines[starts[0] + 1 :]:
        if not line.startswith(" "):
            break
        found.append(line.strip())
    return " ".join(found)


def _first_line(kind: str, name: str) -> tuple[str, str]:
    before, _, after = docstring(kind, name).partition("\n")[0].partition(": ")
    return before, after
