"""An unlisted import is a stale result: what a stage imports is listed in its `deps`."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from leanvlm import plugins
from leanvlm.pipeline.sources import ENTRIES, PACKAGE, imports

ROOT = Path(__file__).parents[2]
STAGES = YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"]


def unlisted(entries: list[Path], stage: str) -> list[str]:
    listed = [ROOT / dep for dep in STAGES[stage]["deps"]]
    return sorted(
        path.relative_to(ROOT).as_posix()
        for path in imports(entries)
        if path.name != "__init__.py" and not any(dep == path or dep in path.parents for dep in listed)
    )


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_lists_what_it_imports(name: str) -> None:
    module = STAGES[name]["cmd"].removeprefix("exec python -m ").split()[0]
    script = ROOT / f"{module.replace('.', '/')}.py"
    assert script.relative_to(ROOT).as_posix() in STAGES[name]["deps"]
    assert unlisted([script], name) == []


@pytest.mark.parametrize("stage", ["answer", "clock", "ablation"])
def test_a_stage_that_answers_lists_all_that_a_cell_depends_on(stage: str) -> None:
    plug_ins = [PACKAGE / kind / f"{name}.py" for kind in ("methods", "models") for name in plugins.ids(kind)]
    assert unlisted([*(PACKAGE / entry for entry in ENTRIES), *plug_ins], stage) == []


@pytest.mark.parametrize(
    ("stage", "folder"), [("samples", "benchmarks"), ("judge", "judging"), ("grade", "grading/published")]
)
def test_a_stage_lists_what_its_plug_ins_import(stage: str, folder: str) -> None:
    assert unlisted(sorted((PACKAGE / folder).glob("*.py")), stage) == []


def test_the_report_lists_the_queries_of_other_folders_that_it_asks() -> None:
    pages = [path for path in (PACKAGE / "report").rglob("*") if path.suffix in (".py", ".html")]
    asked = {name for path in pages for name in re.findall(r'"\.\./(\w+/\w+)"', path.read_text(encoding="utf-8"))}
    listed = [ROOT / dep for dep in STAGES["report"]["deps"]]
    queries = [PACKAGE / f"{name}.sql" for name in asked]
    assert queries
    assert [path for path in queries if not any(dep == path or dep in path.parents for dep in listed)] == []


def test_no_stage_hides_a_module_of_python() -> None:
    assert not {path.stem for path in (ROOT / "stages").glob("*.py")} & set(sys.stdlib_module_names)
