"""A file of every kind that lies in a checkout, cut, emptied or with a bit flipped: refused by name, mended, harmless.

What happened to each is printed by `make test-faults`.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from leanvlm.errors import LONGEST, LeanvlmError
from tests.faults.kinds import KINDS, Kind, write, write_what_reading_removes

TRIES = 20 * len(KINDS)  # `make test` tries each kind once
DAMAGES = ("cut", "empty", "flip", "flip")
LEFT_OUT = shutil.ignore_patterns("models", "leanvlm", ".git")  # what no kind reads

Whole = tuple[Path, list[object]]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, random_checkpoint: Path) -> Whole:
    """A checkout that no test may change, and what is read of each kind there."""
    folder = tmp_path_factory.mktemp("whole") / "checkout"
    write(folder, random_checkpoint)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        right = [kind.read() for kind in KINDS]
    write_what_reading_removes(folder)
    return folder, right


@pytest.fixture
def used(whole: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy that a test may change, with a model's folder."""
    folder = Path(shutil.copytree(whole[0], tmp_path / "checkout", ignore=LEFT_OUT))
    monkeypatch.chdir(folder)
    return folder


def spoil(path: Path, damage: str, rng: random.Random) -> None:
    """Damage a file as a kill, a full disk or a bad one does."""
    content = bytearray(path.read_bytes())
    at = rng.randrange(len(content))
    if damage == "flip":
        content[at] ^= 1 << rng.randrange(8)
    path.write_bytes(content if damage == "flip" else content[: at if damage == "cut" else 0])


def outcome(kind: Kind, right: object, capsys: pytest.CaptureFixture[str]) -> str:
    """Read a damaged file; say what happened, or fail."""
    capsys.readouterr()
    try:
        found = kind.read()
    except LeanvlmError as error:
        said = str(error)
        assert said.isprintable(), said
        assert len(said) <= LONGEST, said
        assert is_named(kind.path, said), said
        assert "; " in said, f"no remedy: {said}"
        return "refused"
    said = capsys.readouterr().out
    if found == right:
        assert not said or is_named(kind.path, said), said
        return "mended" if said else "harmless"
    if said:
        assert is_named(kind.path, said), said
        return "made anew"
    assert kind.compared_by, f"another value, and nobody says so: {found} for {right}"
    return f"read, and compared by {kind.compared_by}"


def is_named(path: Path, said: str) -> bool:
    """Say whether a sentence names a file, or its folder, which is one thing with it."""
    return path.name in said or (str(path.parent) in said and path.parent != Path())


def test_it_is_refused_mended_or_harmless(
    number: int,
    rng: random.Random,
    whole: Whole,
    used: Path,
    capsys: pytest.CaptureFixture[str],
    record_property: Callable[[str, object], None],
) -> None:
    kind, damage = KINDS[number % len(KINDS)], rng.choice(DAMAGES)
    spoil(used / kind.path, damage, rng)
    found = outcome(kind, whole[1][number % len(KINDS)], capsys)
    record_property("fault", (f"{kind.path}, {kind.reader}", damage, found))
