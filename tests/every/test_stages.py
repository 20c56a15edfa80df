"""An unlisted import is a stale result: what a stage imports stands in its `deps`."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
STAGES = YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"]
# Plumbing that cannot change a stage's output, only whether it runs.
HARMLESS = {"errors", "files", "plugins", "params", "processes", "recipes"}  # files and folders of leanvlm


def imports_of(path: Path) -> set[Path]:
    """Follow first-party imports, those inside functions included."""
    found: set[Path] = set()
    queue = [path]
    while queue:
        for name in _imported(queue.pop()):
            for candidate in (ROOT / f"{name}.py", ROOT / name / "__init__.py"):
                if candidate.is_file() and candidate not in found:
                    found.add(candidate)
                    queue.append(candidate)
    return found


def _imported(path: Path) -> list[str]:
    names = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
    return [name.replace(".", "/") for name in names if name.split(".")[0] in ("leanvlm", "flows", "stages")]


def _is_harmless(path: Path) -> bool:
    package, name, *_ = path.relative_to(ROOT).with_suffix("").parts
    return path.name == "__init__.py" or (package == "leanvlm" and name in HARMLESS)


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_lists_what_it_imports(name: str) -> None:
    stage = STAGES[name]
    script = ROOT / stage["cmd"].split()[2]
    listed = [ROOT / dep for dep in stage["deps"]]
    assert script in listed
    missing = [
        path.relative_to(ROOT).as_posix()
        for path in imports_of(script)
        if not _is_harmless(path) and not any(dep == path or dep in path.parents for dep in listed)
    ]
    assert not missing, f"{name} imports {sorted(missing)}"


def test_no_stage_hides_a_module_of_python() -> None:
    assert not {path.stem for path in (ROOT / "stages").glob("*.py")} & set(sys.stdlib_module_names)
