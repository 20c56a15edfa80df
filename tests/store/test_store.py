"""The store reads the grid's files and no others, and says what each table is."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from leanvlm import files, store
from leanvlm.errors import InputError, RunError
from leanvlm.metrics import tally
from leanvlm.store import query
from leanvlm.tables import grades
from tests.grid import picture

BENCHMARKS = ("short", "long")


def test_samples_of_a_benchmark_outside_the_grid_are_not_read(grid: Path) -> None:
    with store.connect(grid, benchmarks=["short"]) as connection:
        assert connection.execute("select distinct benchmark from samples").fetchall() == [("short",)]


def test_pictures_stand_apart_from_samples(grid: Path) -> None:
    with store.connect(grid, benchmarks=BENCHMARKS) as connection:
        columns = {column for (column, *_) in connection.execute("describe samples").fetchall()}
        images = connection.execute(
            "select position, image from sample_images where sample_id = '00001' and benchmark = 'short'"
        ).fetchall()
    assert "images" not in columns
    assert images == [(0, picture("red")), (1, picture("blue"))]


def test_cells_tell_which_answers_a_cache_method_can_change(grid: Path) -> None:
    sql = "select benchmark, n, median_new_tokens, is_sensitive_to_cache from cells where acts_on = 'cache'"
    with store.connect(grid, benchmarks=BENCHMARKS) as connection:
        assert connection.execute(f"{sql} order by benchmark").fetchall() == [
            ("long", 6, 7.0, True),
            ("short", 6, 2.0, False),
        ]


def test_cells_say_what_was_kept(grid: Path) -> None:
    sql = "select visual_kept, cache_bytes, full_cache_bytes, cache_kept from cells where benchmark = 'long'"
    with store.connect(grid, benchmarks=BENCHMARKS) as connection:
        [(visual, *_)] = connection.execute(f"{sql} and recipe = 'tokens/fastv@10%'").fetchall()
        [(_, *cache)] = connection.execute(f"{sql} and recipe = 'cache/snapkv@40%'").fetchall()
    assert visual == 0.1
    assert cache == [4000.0, 10_000.0, 0.4]


def test_damage_is_told_in_one_sentence(grid: Path) -> None:
    path = grid / files.table("grades")
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(InputError, match=r"grades\.parquet is damaged \(.*\); run `make repro` to write it anew$"):
        store.connect(grid, benchmarks=BENCHMARKS)


def test_tally_writes_every_metric_and_forgets_those_without_a_query(grid: Path) -> None:
    stale = grid / files.METRICS / "gone.parquet"
    stale.parent.mkdir(parents=True)
    stale.write_bytes(b"")
    tally.tally(grid, benchmarks=BENCHMARKS, resamples=50, seed=0)
    assert sorted(path.stem for path in stale.parent.iterdir()) == sorted(tally.published())


def test_tally_writes_the_same_bytes_twice(grid: Path) -> None:
    written = []
    for _ in range(2):
        tally.tally(grid, benchmarks=BENCHMARKS, resamples=50, seed=0)
        written.append([path.read_bytes() for path in sorted((grid / files.METRICS).iterdir())])
    assert written[0] == written[1]


def test_built_store_holds_every_table_and_metric_with_its_grain(stored: Path) -> None:
    _, rows = query.query(stored, "select table_name, comment from duckdb_tables()")
    grains = dict(rows)
    assert set(grains) == {
        *("samples", "sample_images", "audits", "costs", "answers", "cells", "parts", "skips", "grades", "timings"),
        *("judgements", "workloads", "ceilings"),
        *tally.published(),
        "settings",
        "paper_scores",
        *(metric.table.removeprefix("steps.") for metric in tally.metrics() if not metric.is_published),
    }
    assert all(str(grain).startswith("one row per ") for grain in grains.values())
    _, [(described,)] = query.query(
        stored,
        "select count(*) from duckdb_columns() where schema_name = 'main' and table_name = 'grades' "
        "and comment is not null",
    )
    assert described == len(grades.TABLE.schema)


def test_a_failed_build_leaves_the_old_store(grid: Path) -> None:
    tally.tally(grid, benchmarks=BENCHMARKS, resamples=50, seed=0)
    before = (grid / files.STORE).read_bytes()
    (grid / files.table("parts")).unlink()
    with pytest.raises(InputError, match=r"parts\.parquet does not exist"):
        tally.tally(grid, benchmarks=BENCHMARKS, resamples=50, seed=0)
    assert (grid / files.STORE).read_bytes() == before
    assert [path.name for path in (grid / "artifacts").glob(".*")] == []


def test_any_duckdb_client_opens_the_store(stored: Path) -> None:
    with duckdb.connect(str(stored), read_only=True) as connection:
        [(grade,)] = connection.execute("select grade_exact('Red.', ['red'], [])").fetchall()
    assert grade == 1.0


def test_metrics_that_read_each_other_are_refused(tmp_path: Path) -> None:
    for name, other in (("one", "two"), ("two", "one")):
        (tmp_path / f"{name}.sql").write_text(f"-- {name}: x.\n--\n-- Reads:     {other}.\n\nselect 1\n")
    with pytest.raises(RunError, match="metrics read each other in a circle: "):
        tally.metrics(tmp_path)


def test_a_metric_comes_after_those_that_it_reads() -> None:
    names = [metric.name for metric in tally.metrics()]
    assert names.index("accuracy") < names.index("accuracy_kept") < names.index("overall_performance")
