"""Two programs at one file: whoever comes second waits, reads what is whole, or is told who is there."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

import pytest

from flows import history
from leanvlm import files
from leanvlm.commands import cli
from leanvlm.errors import InputError
from leanvlm.store.open import reading
from tests import checkouts
from tests.report.synthetic_grid import Grid, build

HOLD = "import {kind}; c = {kind}.connect({path!r}); {does}; print('held', flush=True); input()"
READERS: dict[str, Callable[[], object]] = {
    "score": lambda: cli.call(["score"]),
    "sql": lambda: cli.call(["sql", "select 1"]),
    "compare": lambda: cli.call(["compare", "controls/full", "controls/blind"]),
    "recommend": lambda: cli.call(["recommend", "--keep", "op=0.5"]),
    "report": lambda: import_module("stages.report").main(),
}


@contextmanager
def held(path: Path, kind: str, does: str) -> Iterator[None]:
    """Let another process hold a database for the length of a `with`."""
    program = HOLD.format(kind=kind, path=str(path), does=does)
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        yield
        other.communicate(b"\n")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with settings and a store."""
    checkouts.write_params(tmp_path)
    files.write("", tmp_path / files.STORE)
    build(tmp_path / files.STORE.with_name("other.duckdb"), Grid())
    (tmp_path / files.STORE.with_name("other.duckdb")).replace(tmp_path / files.STORE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_store_that_another_program_holds_is_left_to_it(root: Path) -> None:
    before = (root / files.STORE).read_bytes()
    with held(root / files.STORE, "duckdb", "c.execute('begin')"):
        for read in READERS.values():
            with pytest.raises(InputError, match=r"is open elsewhere, in process \d+; close it there, or wait") as said:
                read()
            assert "delete" not in str(said.value)
    assert (root / files.STORE).read_bytes() == before


def test_who_reads_a_store_goes_on_while_it_is_written_anew(root: Path) -> None:
    new = Path(shutil.copy(files.STORE, "new.duckdb"))
    with reading(files.STORE) as stored:
        before = stored.sql("select count(*) from cells").fetchall()
        with files.whole(files.STORE) as part:
            new.replace(part)
        assert stored.sql("select count(*) from cells").fetchall() == before
    cli.call(["sql", "select 1"])


def test_prefects_history_that_another_program_holds_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "PATIENCE_SECONDS", 0.2)
    path = tmp_path / history.NAME
    with held(path, "sqlite3", "c.execute('create table t (a)'); c.execute('begin exclusive')"):
        with pytest.raises(InputError, match=r"prefect\.db is held by another program; end that, or wait"):
            history.lay_aside_damaged(tmp_path)
        assert path.exists()
    assert history.lay_aside_damaged(tmp_path) is None
