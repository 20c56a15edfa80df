"""What an answer depends on, stated once: a cell's key hashes it, and the tests hold dvc.yaml to it.

The code is what the worker, the model's adapter and the recipe's methods import, followed from file to file, without
what HARMLESS lists. It is hashed as Python reads it, so that another comment or docstring answers nothing anew.
Methods on the weights are left out: what they made is in the checkpoint, which is hashed whole.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from leanvlm import plugins
from leanvlm.hashes import digest
from leanvlm.recipes import Recipe

PACKAGE = Path(__file__).parents[1]
ENTRIES = ("engine/worker.py", "tables/answers.py")  # what answers, and how a stored answer looks
# Files and folders of leanvlm that decide whether something is computed, never what.
HARMLESS = (
    "__init__.py",
    "disk.py",
    "endpoints.py",
    "errors.py",
    "files.py",
    "params",
    "plugins.py",
    "printing.py",
    "processes",
    "typed.py",
)


@cache
def code_hash(architecture: str, recipe: Recipe) -> str:
    """Hash the code that answers a recipe on an architecture."""
    methods = [f"methods/{part.method}.py" for part in recipe.parts if part.built.acts_on != "weights"]
    return _hash([*ENTRIES, f"models/{architecture}.py", *methods])


@cache
def vision_hash(architecture: str) -> str:
    """Hash the code from a picture to the decoder's entrance: that of answering, with all methods on pictures."""
    methods = [name for name in plugins.ids("methods") if plugins.load("methods", name).acts_on == "image"]
    entries = [*ENTRIES, f"models/{architecture}.py", *(f"methods/{name}.py" for name in methods)]
    return _hash(entries)


def _hash(names: Iterable[str]) -> str:
    read = sorted(imports(PACKAGE / name for name in names))
    return digest("".join(path.name + _code(path) for path in read).encode())


def imports(entries: Iterable[Path]) -> set[Path]:
    """Follow the project's own imports from some files, also inside functions, but not through harmless files."""
    queue = list(entries)
    found = set(queue)
    while queue:
        for path in _imported(queue.pop()):
            if path not in found and not is_harmless(path):
                found.add(path)
                queue.append(path)
    return found


def is_harmless(path: Path) -> bool:
    """Tell whether a file of the package cannot change a result."""
    return path.is_relative_to(PACKAGE) and path.relative_to(PACKAGE).parts[0] in HARMLESS


@cache
def _imported(path: Path) -> tuple[Path, ...]:
    """List the first-party files that one file imports by name."""
    root = PACKAGE.parent
    candidates = [
        candidate
        for name in _names(ast.parse(path.read_text(encoding="utf-8")))
        if name.split(".")[0] in (PACKAGE.name, "flows", "stages")
        for candidate in (root / f"{name.replace('.', '/')}.py", root / name.replace(".", "/") / "__init__.py")
    ]
    return tuple(candidate for candidate in candidates if candidate.is_file())


def _names(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@cache
def _code(path: Path) -> str:
    """Return a file's code without comments, layout and docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:]
    return ast.dump(tree)
