"""compare: grades whose differences and odd counts are known."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path

import duckdb
import pytest

from leanvlm.commands import cli
from leanvlm.commands.compare import compare
from leanvlm.errors import InputError

N = 40


def write(path: Path, right: dict[tuple[str, str], range]) -> Path:
    """Write a store in which each recipe is right on the samples of a range of each benchmark."""
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table samples (benchmark text, sample_id text, group_id text)")
        connection.execute("create table cells (model text, recipe text, benchmark text)")
        connection.execute(
            "create table grades (model text, recipe text, benchmark text, sample_id text, grade double, outcome text)"
        )
        for benchmark in sorted({benchmark for _, benchmark in right}):
            connection.executemany(
                "insert into samples values (?, ?, ?)", [(benchmark, f"{i:03d}", f"{i:03d}") for i in range(N)]
            )
        for (recipe, benchmark), is_right in right.items():
            connection.execute("insert into cells values ('m', ?, ?)", [recipe, benchmark])
            graded = [
                ("m", recipe, benchmark, f"{i:03d}", float(i in is_right), "right" if i in is_right else "wrong")
                for i in range(N)
            ]
            connection.executemany("insert into grades values (?, ?, ?, ?, ?, ?)", graded)
    return path


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Recipe a is right on 30 of 40 samples of x, b on 20 of these; on y they disagree on 4 samples each way."""
    right = {("a", "x"): range(30), ("b", "x"): range(20), ("a", "y"): range(20), ("b", "y"): range(4, 24)}
    return write(tmp_path_factory.mktemp("compare") / "store.duckdb", right | {("c", "y"): range(1)})


def compared(path: Path, recipe: str, other: str, **only: str | None) -> dict[str, dict[str, object]]:
    with duckdb.connect(str(path), read_only=True) as stored:
        columns, rows = compare(stored, recipe, other, model=only.get("model"), benchmark=only.get("benchmark"))
    found = [dict(zip(columns, row, strict=True)) for row in rows]
    return {str(row["benchmark"]): row for row in found}


def test_difference_counts_and_verdict_are_as_worked_by_hand(path: Path) -> None:
    found = compared(path, "a", "b")
    x, y, overall = found["x"], found["y"], found["all"]
    assert list(found) == ["x", "y", "all"]
    assert (x["accuracy"], x["other_accuracy"], x["difference"], x["verdict"]) == (0.75, 0.5, 0.25, "better")
    assert (x["n_only_right"], x["n_only_other_right"], x["mcnemar_p"]) == (10, 0, round(2 / 2**10, 9))
    assert (y["difference"], y["verdict"], y["n_only_right"], y["n_only_other_right"], y["mcnemar_p"]) == (
        *(0.0, "tie", 4, 4),
        1.0,
    )
    assert (overall["n_samples"], overall["difference"], overall["n_only_right"]) == (80, 0.125, 14)


def test_the_interval_is_near_the_textbooks(path: Path) -> None:
    # differences of x are 1 in 10 of 40 samples, else 0
    error = math.sqrt(0.25 * 0.75 / N)
    x = compared(path, "a", "b")["x"]
    assert x["low"] == pytest.approx(0.25 - 1.96 * error, abs=0.03)
    assert x["high"] == pytest.approx(0.25 + 1.96 * error, abs=0.03)


def test_comparing_the_other_way_round_turns_the_sign(path: Path) -> None:
    there, back = compared(path, "a", "b"), compared(path, "b", "a")
    for benchmark in ("x", "y", "all"):
        assert there[benchmark]["difference"] == -back[benchmark]["difference"]  # type: ignore[operator]
        assert there[benchmark]["mcnemar_p"] == back[benchmark]["mcnemar_p"]
    assert back["x"]["verdict"] == "worse"


def test_a_recipe_ties_with_itself(path: Path) -> None:
    row = compared(path, "a", "a")["all"]
    assert (row["difference"], row["low"], row["high"], row["verdict"], row["mcnemar_p"]) == (0, 0, 0, "tie", 1)


@pytest.mark.parametrize(("n_only", "n_other"), [(0, 1), (3, 9), (1, 12), (15, 15), (5, 20)])
def test_the_p_value_is_the_binomials(n_only: int, n_other: int, tmp_path: Path) -> None:
    right = {("a", "x"): range(n_only), ("b", "x"): range(n_only, n_only + n_other)}
    row = compared(write(tmp_path / "store.duckdb", right), "a", "b")["x"]
    n = n_only + n_other
    tail = sum(math.comb(n, k) for k in range(min(n_only, n_other) + 1)) / 2**n
    assert (row["n_only_right"], row["n_only_other_right"]) == (n_only, n_other)
    assert row["mcnemar_p"] == pytest.approx(min(1.0, 2 * tail), abs=1e-8)


def test_one_benchmark_has_one_row(path: Path) -> None:
    assert list(compared(path, "a", "b", benchmark="y", model="m")) == ["y"]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ({"recipe": "nobody"}, "no recipe 'nobody' in the store; it has a, b, c"),
        ({"other": "nobody"}, "no recipe 'nobody' in the store; it has a, b, c"),
        ({"model": "n"}, "no model 'n' in the store; it has m"),
        ({"benchmark": "z"}, "no benchmark 'z' in the store; it has x, y"),
        ({"other": "c", "benchmark": "x"}, "a and c were not asked the same there"),
    ],
)
def test_an_unknown_name_is_told_with_the_known_ones(names: dict[str, str], said: str, path: Path) -> None:
    with pytest.raises(InputError, match=said):
        compared(path, **{"recipe": "a", "other": "b"} | names)  # type: ignore[arg-type]


def test_what_only_one_was_asked_is_named(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cli.call(["compare", "a", "c", "--store", str(path), "--format", "csv"])
    said = capsys.readouterr()
    assert [row["benchmark"] for row in csv.DictReader(io.StringIO(said.out))] == ["y"]
    assert said.err == "leanvlm: not compared: x on m, which only one of the two was asked\n"
