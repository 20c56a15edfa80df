"""Terminals, locales and folders that are odd: what cannot be printed or found is one sentence, never a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from leanvlm.errors import InputError
from leanvlm.store import query
from leanvlm.store.query import Limits
from tests.checkouts import ROOT

PROGRAM = "from leanvlm.errors import exit_on_error; exit_on_error(lambda: {body})"
PRINTS = "print('keeps 97\\u2013100 %')"


def ended(shell: str, folder: Path, body: str, **environment: str) -> tuple[int, str, str]:
    """Run one line under the command line's own guard, by a shell that closes or takes away what it is told to."""
    settings = os.environ | {"PYTHONPATH": str(ROOT), "PYTHON": sys.executable, "LINE": PROGRAM.format(body=body)}
    done = subprocess.run(["sh", "-c", shell], cwd=folder, env=settings | environment, capture_output=True, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_sign_that_a_terminal_lacks_is_named_with_the_remedy(encoding: str, tmp_path: Path) -> None:
    status, printed, said = ended('"$PYTHON" -c "$LINE"', tmp_path, PRINTS, PYTHONIOENCODING=encoding)
    assert (status, printed) == (1, "")
    assert said.startswith("leanvlm: standard output is written as ")
    assert said.endswith("has no '\\u2013'; set PYTHONIOENCODING=utf-8, and run again\n")
    assert ended('"$PYTHON" -c "$LINE"', tmp_path, PRINTS, PYTHONIOENCODING="utf-8")[0] == 0


def test_a_sign_that_something_else_lacks_is_a_defect_of_ours(tmp_path: Path) -> None:
    status, _, said = ended('"$PYTHON" -c "$LINE"', tmp_path, "'\\u2013'.encode('ascii')", PYTHONIOENCODING="utf-8")
    assert (status, said.splitlines()[-1].partition(":")[0]) == (1, "UnicodeEncodeError")


def test_who_closes_the_output_wants_none(tmp_path: Path) -> None:
    assert ended('exec "$PYTHON" -c "$LINE" >&-', tmp_path, PRINTS) == (0, "", "")


def test_a_folder_that_was_deleted_is_told(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    status, _, said = ended('rmdir ../gone && exec "$PYTHON" -c "$LINE"', tmp_path / "gone", "open('x')")
    assert status == 1
    assert said == "leanvlm: the folder that this runs in was deleted; change into one that is there, and run again\n"


@pytest.mark.parametrize("sql", ["select '\udcc3\udca9'", "select '\ud800'", "select 'a\0b'"])
def test_a_query_whose_bytes_are_no_text_is_told_so(sql: str, stored: Path) -> None:
    with (
        query.open_locked(stored, limits=Limits()) as connection,
        pytest.raises(InputError, match="the query holds a NUL or half a sign"),
    ):
        query.answer(connection, sql, limits=Limits())
