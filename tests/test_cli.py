"""The command line lists what exists, explains itself and answers wrong input with one sentence."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from leanvlm import plugins
from leanvlm.commands import cli
from leanvlm.errors import InputError

KINDS = ["methods", "models", "benchmarks"]
NAMES = [command.name for command in cli.COMMANDS]


def run(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "leanvlm", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("kind", KINDS)
def test_lists_say_what_each_does_and_then_its_source(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    cli.call([kind])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[::2]] == list(plugins.ids(kind))
    assert all(len(line.split()) > 3 for line in lines[::2])
    assert [line.strip() for line in lines[1::2]] == [plugins.source(kind, name) for name in plugins.ids(kind)]


def test_a_method_is_listed_with_the_first_line_of_its_file(capsys: pytest.CaptureFixture[str]) -> None:
    cli.call(["methods", "--format", "json"])
    rows = {row["method"]: row for row in json.loads(capsys.readouterr().out)}
    assert list(rows["cache/snapkv"]) == ["method", "description", "source"]
    assert rows["cache/snapkv"]["description"] == "keep the prompt positions that the last queries attend to."
    assert rows["cache/snapkv"]["source"].startswith("Li et al. 2024, arXiv 2404.14469, section 4")


@pytest.mark.parametrize("kind", KINDS)
def test_lists_are_the_same_as_csv_and_json(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    cli.call([kind, "--format", "csv"])
    as_csv = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    cli.call([kind, "--format", "json"])
    assert json.loads(capsys.readouterr().out) == as_csv
    assert [row[kind.removesuffix("s")] for row in as_csv] == list(plugins.ids(kind))


def test_help_says_a_line_of_each_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.call(["--help"])
    assert caught.value.code == 0
    said = " ".join(capsys.readouterr().out.split())
    assert all(f"{command.name} {command.says}" in said for command in cli.COMMANDS)


@pytest.mark.parametrize("name", NAMES)
def test_help_of_a_command_shows_an_example_that_it_can_read(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.call([name, "--help"])
    assert caught.value.code == 0
    said = capsys.readouterr().out
    assert f"example:\n  leanvlm {name}" in said
    assert "{table,csv,json}" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["frob"], "argument COMMAND: no 'frob'; choose from methods, "),
        ([], "the following arguments are required: COMMAND"),
        (["sql"], "the following arguments are required: query; see `leanvlm sql --help`"),
        (["sql", "select 1", "--seconds", "0"], "0 is not above 0"),
        (["sql", "select 1", "--megabytes", "1"], "1 is not from 16"),
        (["score", "--format", "xml"], "argument --format: no 'xml'; choose from table, "),
    ],
)
def test_a_wrong_command_line_is_one_sentence(arguments: list[str], said: str) -> None:
    with pytest.raises(InputError) as caught:
        cli.call(arguments)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "arguments",
    [["sql", "select 1"], ["score"], ["compare", "a", "b"], ["recommend"]],
    ids=lambda arguments: arguments[0],
)
def test_without_a_store_a_command_says_what_to_do(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"^artifacts/leanvlm\.duckdb does not exist; run `make repro` to make it$"):
        cli.call(arguments)


@pytest.mark.parametrize(
    "arguments", [["score"], ["compare", "a", "b"], ["recommend"]], ids=lambda arguments: arguments[0]
)
def test_another_database_is_no_traceback(arguments: list[str], tmp_path: Path) -> None:
    path = tmp_path / "other.duckdb"
    duckdb.connect(str(path)).close()
    with pytest.raises(InputError, match=r"other\.duckdb is of another version \(.*\); name another with --store$"):
        cli.call([*arguments, "--store", str(path)])


def test_sql_prints_every_format(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "store.duckdb"
    duckdb.connect(str(path)).close()
    printed = []
    for form in ("table", "csv", "json"):
        cli.call(
            [
                "sql",
                "select 1 as n, date '2026-01-02' as d, e'a\\nb' as t, null as x",
                "--store",
                str(path),
                "--format",
                form,
            ]
        )
        printed.append(capsys.readouterr().out)
    assert printed[0].splitlines() == ["n  d           t     x", "1  2026-01-02  a\\nb  null"]
    assert printed[1] == 'n,d,t,x\n1,2026-01-02,"a\nb",\n'
    assert json.loads(printed[2]) == [{"n": 1, "d": "2026-01-02", "t": "a\nb", "x": None}]
    with pytest.raises(InputError, match="two columns of the query are named 'n'"):
        cli.call(["sql", "select 1 as n, 2 as n", "--store", str(path), "--format", "json"])


def test_wrong_input_exits_with_2_and_no_traceback(tmp_path: Path) -> None:
    done = run("sql", "select 1", folder=tmp_path)
    assert done.returncode == 2
    assert done.stderr == "leanvlm: artifacts/leanvlm.duckdb does not exist; run `make repro` to make it\n"


def test_a_reader_that_leaves_early_is_no_error(tmp_path: Path) -> None:
    command = f"set -o pipefail; {sys.executable} -m leanvlm benchmarks | true"
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
