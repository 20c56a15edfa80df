"""A store is opened only where what is read is what it holds, and no advice is to delete a file."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from leanvlm import files
from leanvlm.errors import InputError
from leanvlm.store.open import open_store
from leanvlm.store.query import query

HOLDER = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1])
if sys.argv[2] == "changed":
    connection.execute("delete from grades")
print("held", flush=True)
sys.stdin.read()
"""
LEFT = """
import os, sys, duckdb
connection = duckdb.connect(sys.argv[1])
connection.execute("set wal_autocheckpoint = '1GB'")
connection.execute("delete from grades")
os._exit(0)
"""


def refused(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        open_store(path)
    return str(caught.value)


@pytest.fixture
def own(tmp_path: Path, stored: Path) -> Path:
    """A store outside artifacts/ and data/."""
    return Path(shutil.copy(stored, tmp_path / "mine.duckdb"))


@pytest.mark.parametrize("state", ["untouched", "changed"])
def test_a_store_that_is_open_elsewhere_names_the_process(state: str, own: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(own), state], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        said = refused(own)
    finally:
        holder.communicate()
    assert said == f"{own} is open elsewhere, in process {holder.pid}; close it there, or wait"
    open_store(own).close()


def test_a_log_beside_the_store_is_refused_and_nothing_is_changed(own: Path) -> None:
    subprocess.run([sys.executable, "-c", LEFT, str(own)], check=True)
    log = own.with_name("mine.duckdb.wal")
    before = own.read_bytes(), log.read_bytes()
    said = refused(own)
    assert said.startswith(f"{log} holds changes that are not in mine.duckdb")
    assert "delete" not in said
    assert (own.read_bytes(), log.read_bytes()) == before
    log.rename(log.with_name("away"))  # as the sentence says
    with open_store(own) as connection:
        assert connection.execute("select count(*) > 0 from grades").fetchall() == [(True,)]


@pytest.mark.parametrize("kind", ["params.yaml", "empty", "cut", "pipe", "folder", "loop", "zero", "missing"])
def test_what_is_no_store_is_told_and_kept(
    kind: str, own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text("grid: {}\n")
    Path("empty").touch()
    Path("cut").write_bytes(own.read_bytes()[:5000])
    os.mkfifo("pipe")
    Path("folder").mkdir()
    Path("loop").symlink_to("loop")
    Path("zero").symlink_to("/dev/zero")
    said = refused(Path(kind))
    assert said.startswith(f"{kind} ")
    assert "delete" not in said
    assert said.endswith("name another with --store")


def test_nobody_is_told_to_delete_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for path in (files.STORE, Path("mine.duckdb")):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"not a database" * 1000)
        said = refused(path)
        assert said.startswith(f"{path} is not a store")
        assert said.endswith("`make repro` to write it anew" if path == files.STORE else "another with --store")
    with pytest.raises(InputError, match=r"^artifacts/leanvlm\.duckdb is not a store"):
        query(files.STORE, "select 1")


def test_a_store_of_another_version_of_duckdb_is_kept(own: Path) -> None:
    content = bytearray(own.read_bytes())
    content[12] = 250  # the version of the file's form
    own.write_bytes(content)
    with pytest.raises(duckdb.Error):
        duckdb.connect(str(own), read_only=True)
    assert "delete" not in refused(own)
