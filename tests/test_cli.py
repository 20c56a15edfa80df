"""The command line lists what exists and answers wrong input with one sentence."""

from __future__ import annotations

import subprocess
import sys

import pytest

from leanvlm import cli, plugins


@pytest.mark.parametrize("kind", ["methods", "models", "benchmarks"])
def test_lists_have_one_line_each_with_its_source(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    cli.call([kind])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(plugins.ids(kind))
    assert all(len(line.split()) > 3 for line in lines)


def test_sql_without_a_store_says_what_to_do(tmp_path: object) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "leanvlm.cli", "sql", "select 1"],
        cwd=str(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "make repro" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_reader_who_leaves_early_gets_no_traceback() -> None:
    command = f"{sys.executable} -m leanvlm.cli methods | true"
    done = subprocess.run(command, shell=True, capture_output=True, text=True)
    assert done.stderr == ""
