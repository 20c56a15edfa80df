"""A cell's key: all that an answer depends on changes it, and nothing else does."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from leanvlm import files, hashes
from leanvlm.pipeline import sources
from leanvlm.recipes import parse

EVERY_FILE = ("model.safetensors", "config.json", "chat_template.jinja", "vocab.txt", "merges.txt", "sub/part.json")


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the package that may be edited."""
    copy = tmp_path / "leanvlm"
    shutil.copytree(sources.PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(sources, "PACKAGE", copy)
    return copy


def keys(*recipes: str, architecture: str = "llava_onevision") -> list[str]:
    for function in (sources.code_hash, sources._imported, sources._code):
        function.cache_clear()
    return [sources.code_hash(architecture, parse(recipe)) for recipe in recipes]


TOKENS, CACHE, WEIGHTS = RECIPES = ("tokens/fastv@10%", "cache/snapkv@10%", "weights/gptq@w4a16-g128")


@pytest.mark.parametrize(
    ("file", "changed"),
    [
        ("methods/weights/_walk.py", []),
        ("methods/weights/gptq.py", []),
        ("methods/tokens/fastv.py", [TOKENS]),
        ("methods/cache/snapkv.py", [CACHE]),
        ("methods/_method.py", [*RECIPES]),
        ("models/llava_onevision.py", [*RECIPES]),
        ("models/llava_next.py", [*RECIPES]),  # which llava_onevision imports
        ("models/gemma3.py", []),
        ("engine/prefill/prefill.py", [*RECIPES]),
        ("clock/run.py", []),
        ("sample.py", [*RECIPES]),
        ("tables/answers.py", [*RECIPES]),
        ("tables/timings.py", []),
        ("report/__init__.py", []),
        ("errors.py", []),
    ],
)
def test_an_edit_changes_the_keys_of_those_whom_it_concerns(package: Path, file: str, changed: list[str]) -> None:
    before = keys(*RECIPES)
    with (package / file).open("a") as source:
        source.write("\nADDED = 1\n")
    after = keys(*RECIPES)
    assert [recipe for recipe, old, new in zip(RECIPES, before, after, strict=True) if old != new] == changed


def test_comments_layout_and_docstrings_change_no_key(package: Path) -> None:
    before = keys(*RECIPES)
    path = package / "engine/prefill/prefill.py"
    docstring, _, code = path.read_text().partition('"""\n')
    path.write_text(f'{docstring} Reworded."""\n\n\n# A comment.\n{code}')
    assert keys(*RECIPES) == before


@pytest.mark.parametrize("name", EVERY_FILE)
def test_every_file_of_a_checkpoint_counts(tmp_path: Path, name: str) -> None:
    for file in EVERY_FILE:
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text("before")
    hashes.folder_hash.cache_clear()
    before = hashes.folder_hash(tmp_path)
    (tmp_path / "audit.json").write_text("{}")
    hashes.folder_hash.cache_clear()
    assert hashes.folder_hash(tmp_path) == before
    (tmp_path / name).write_text("after")
    hashes.folder_hash.cache_clear()
    hashes.file_hash.cache_clear()
    assert hashes.folder_hash(tmp_path) != before


def test_what_no_loader_reads_does_not_count(tmp_path: Path) -> None:
    for name in ("model.safetensors", "README.md", "pytorch_model.bin", "modeling_own.py"):
        (tmp_path / name).write_text("before")
    assert list(hashes.listing(tmp_path)) == ["model.safetensors"]


def test_a_large_file_is_hashed_once_and_again_after_an_edit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(hashes, "LARGE", 4)
    path, hashed = tmp_path / "model.safetensors", list[Path]()
    plain = hashes._hash
    monkeypatch.setattr(hashes, "_hash", lambda path: hashed.append(path) or plain(path))

    def found() -> str:
        hashes.file_hash.cache_clear()
        return hashes.file_hash(path)

    path.write_bytes(b"weights")
    assert found() == found() == hashes.digest(b"weights")
    assert len(hashed) == 1
    path.write_bytes(b"weight2")
    assert found() == hashes.digest(b"weight2")
    files.HASHES.write_text("{cut")
    assert found() == hashes.digest(b"weight2")
