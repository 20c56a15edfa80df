"""The gate passes a right grid, names a planted wrong row, and says the same twice."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from leanvlm import files
from leanvlm.checks import gate as checks
from leanvlm.checks import page as check_docs
from leanvlm.errors import InputError, RunError
from leanvlm.tables import answers, audits, calibration, costs, grades, parts, samples, timings
from leanvlm.tables._table import Table
from tests import grid as tables_of_a_grid

# Great Expectations imports deprecated modules of the standard library
pytestmark = pytest.mark.filterwarnings("ignore:module 'sre_.*' is deprecated:DeprecationWarning")

BENCHMARKS = ("short", "long")
Row = dict[str, Any]


def change(grid: Path, table: Table, edit: Callable[[list[Row]], None]) -> None:
    path = grid / (files.samples(BENCHMARKS[0]) if table.name == "samples" else files.table(table.name))
    rows = table.read(path).to_pylist()
    edit(rows)
    table.write(pa.Table.from_pylist(rows, schema=table.schema), path)


WRONG: list[tuple[Table, int, Row, str]] = [
    (answers.TABLE, 3, {"visual_tokens_kept": 90.0}, r"bounds: .*visual_tokens_kept.*sample_id=00003"),
    (answers.TABLE, 4, {"finish_reason": "tired"}, r"answers: .*stop length.*sample_id=00004"),
    (answers.TABLE, 5, {"sample_id": "00004"}, r"answers: .*unique together.*sample_id=00004"),
    (answers.TABLE, 5, {"sample_id": "00004"}, r"coverage: n_missing_answers .*recipe=controls/full"),
    (answers.TABLE, 6, {"sample_id": "99999"}, r"coverage: n_stray_answers .*benchmark=long"),
    (grades.TABLE, 2, {"grade": 1.5}, r"grades: grade .*less than or equal to 1.*sample_id=00002"),
    (grades.TABLE, 3, {"outcome": "good"}, r"grades: .*right partly wrong ungradable.*outcome=good"),
    (grades.TABLE, 4, {"recipe": "tokens/magic"}, r"coverage: n_missing_grades .*recipe=cache/snapkv@40%"),
    (grades.TABLE, 4, {"recipe": "tokens/magic"}, r"coverage: n_stray_grades .*recipe=tokens/magic"),
    (grades.TABLE, 4, {"recipe": "tokens/magic"}, r"coverage: n_samples .*recipe=tokens/magic"),
    (timings.TABLE, 1, {"seconds": 0.0}, r"timings: seconds .*greater than 0.*process=1"),
    (parts.TABLE, 0, {"method": "magic/wand"}, r"parts: .*method=magic/wand"),
    (parts.TABLE, 2, {"achieved_budget": 0.14}, r"budgets: .*allowed_deviation.*recipe=tokens/fastv@10%"),
    (parts.TABLE, 3, {"achieved_budget": 0.42}, r"budgets: .*allowed_deviation.*recipe=cache/snapkv@40%"),
    (parts.TABLE, 4, {"achieved_budget": None}, r"budgets: achieved_budget .*recipe=weights/wanda@50%"),
    (audits.TABLE, 1, {"achieved_budget": 0.52}, r"layers: .*allowed_deviation.*layer=layers\.1\.down_proj"),
    (audits.TABLE, 0, {"packed_bytes": 3000}, r"audits: .*packed_bytes.*layer=layers\.0\.down_proj"),
    (samples.TABLE, 0, {"answers": []}, r"samples: n_answers .*sample_id=00000"),
    (samples.TABLE, 1, {"answers": [" "]}, r"samples: n_blank_answers .*sample_id=00001"),
    (costs.TABLE, 0, {"seconds": 0.0}, r"costs: seconds .*recipe=weights/wanda@50%"),
    (
        calibration.TABLE,
        0,
        {"images": [tables_of_a_grid.picture("red")]},
        r"graded: .*graded_as=short 00000, sample_id=0",
    ),
]


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What the gate says of a grid into which all wrong rows are planted; it is slow, so once."""
    grid = tables_of_a_grid.write(tmp_path_factory.mktemp("wrong"))
    for table, at, wrong, _ in WRONG:
        change(grid, table, lambda rows, at=at, wrong=wrong: rows[at].update(wrong))
    findings = [finding for finding in checks.check(grid, benchmarks=BENCHMARKS) if not finding.is_met]
    return [_said(finding) for finding in findings]


def _said(finding: checks.Finding) -> str:
    with pytest.raises(RunError) as caught:
        checks.refuse_failures([finding])
    return str(caught.value)


@pytest.mark.parametrize("said", [said for *_, said in WRONG])
def test_planted_row_is_named(said: str, failed: list[str]) -> None:
    assert any(re.match(said, sentence) for sentence in failed), failed


@pytest.mark.parametrize(
    ("table", "edit", "said"),
    [
        (calibration.TABLE, list.clear, "calibration has 0 rows"),
        (timings.TABLE, list.pop, r"counts: .*of_table=timings"),
        (audits.TABLE, lambda rows: rows.append(rows[0] | {"recipe": "weights/x@50%"}), r"counts: .*of_table=audits"),
    ],
)
def test_a_table_that_lacks_rows_is_named(
    table: Table, edit: Callable[[list[Row]], Any], said: str, tmp_path: Path
) -> None:
    grid = tables_of_a_grid.write(tmp_path)
    change(grid, table, edit)
    findings = [finding for finding in checks.check(grid, benchmarks=BENCHMARKS) if not finding.is_met]
    assert any(re.search(said, _said(finding)) for finding in findings), findings


TABLES = (module.TABLE for module in (samples, grades, timings, audits, costs, parts, answers))
FLOATS = [(table, field.name) for table in TABLES for field in table.schema if pa.types.is_floating(field.type)]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize(("table", "column"), FLOATS)
def test_a_number_that_is_none_is_neither_written_nor_read(
    table: Table, column: str, value: float, tmp_path: Path
) -> None:
    fields = {field.name: field for field in table.schema}
    nothing: dict[str, Any] = {"string": "x", "double": 0.5, "bool": False}
    row = {
        name: value if name == column else None if field.nullable else nothing.get(str(field.type), 1)
        for name, field in fields.items()
        if not pa.types.is_list(field.type)
    } | {name: [] for name, field in fields.items() if pa.types.is_list(field.type)}
    with pytest.raises(RunError, match=f"{column} holds NaN"):
        table.write([row], tmp_path / "table.parquet")
    pq.write_table(pa.Table.from_pylist([row], schema=table.schema), tmp_path / "table.parquet")
    with pytest.raises(InputError, match=f"{column} holds NaN"):
        table.read(tmp_path / "table.parquet")


def test_right_rows_are_not_named(failed: list[str]) -> None:
    assert all(any(re.match(said, sentence) for *_, said in WRONG) for sentence in failed), failed


def test_evs_may_keep_a_whole_frame_of_four() -> None:
    query = Path(checks.__file__).with_name("budgets.sql").read_text()
    with duckdb.connect() as store:
        store.execute("create table samples as select 'clips' as benchmark, 's' as sample_id, 1 as turn")
        store.execute(
            "create table parts as select 'm' as model, unnest(['tokens/evs@10%', 'tokens/vidcom2@10%']) as recipe, "
            "1 as position, split_part(recipe, '@', 1) as method, 0.1e0 as budget, 0.25e0 as achieved_budget"
        )
        store.execute("create table cells as select recipe, 'tokens' as acts_on from parts")
        store.execute(
            "create table answers as select model, recipe, 'clips' as benchmark, 's' as sample_id, null as refusal, "
            "4 as visual_runs, 80 as visual_tokens, 100 as prompt_tokens, 20.0 as visual_tokens_kept from parts"
        )
        found = store.sql(f"select method, deviation, allowed_deviation from ({query})").fetchall()
    assert found == [("tokens/evs", 0.15, 0.25), ("tokens/vidcom2", 0.15, 0.05)]


def test_only_a_smaller_picture_may_have_more_tokens(grid: Path) -> None:
    def grow(rows: list[Row], recipe: str) -> None:
        (row, *_) = rows
        row.update(recipe=recipe, visual_tokens_kept=row["visual_tokens"] + 8.0)

    for recipe, is_bound in (("controls/downsample@40%", False), ("weights/wanda@50%", True)):
        change(grid, answers.TABLE, lambda rows, recipe=recipe: grow(rows, recipe))
        failed = [finding for finding in checks.check(grid, benchmarks=BENCHMARKS) if not finding.is_met]
        assert any(finding.table == "bounds" for finding in failed) == is_bound


def test_right_grid_passes_also_where_a_budget_is_off_by_less_than_a_token(grid: Path) -> None:
    for at, kept in ((2, 0.112), (3, 0.409), (4, 0.509)):
        change(grid, parts.TABLE, lambda rows, at=at, kept=kept: rows[at].update(achieved_budget=kept))
    findings = checks.check(grid, benchmarks=BENCHMARKS)
    checks.refuse_failures(findings)
    assert {finding.table for finding in findings} == {
        *("samples", "calibration", "audits", "costs", "answers", "cells", "parts", "skips", "grades", "timings"),
        *("judgements", "workloads", "ceilings"),
        *("graded", "coverage", "counts", "budgets", "layers", "bounds"),
    }


def test_damaged_table_is_refused_before_anything_is_checked(grid: Path) -> None:
    (grid / files.table("answers")).write_bytes(b"PAR1")
    with pytest.raises(InputError, match=r"answers\.parquet is damaged"):
        checks.check(grid, benchmarks=BENCHMARKS)


def test_results_are_the_same_bytes_twice_and_sorted(grid: Path) -> None:
    written = []
    for _ in range(2):
        findings = checks.check(grid, benchmarks=BENCHMARKS)
        checks.write_json(findings, grid / "checks.json")
        check_docs.write(findings, grid / "data_docs")
        written.append(((grid / "checks.json").read_bytes(), (grid / "data_docs" / "index.html").read_bytes()))
    assert written[0] == written[1]
    rows = json.loads(written[0][0])
    assert rows == sorted(rows, key=lambda row: (row["table"], row["expectation"]))


def test_docs_open_offline_and_escape_what_models_said() -> None:
    row = "answer=<script>alert(1)</script>"
    finding = checks.Finding("answers", "It must be right.", is_met=False, n_rows=3, n_failing=1, rows=[row])
    page = check_docs.page([finding])
    assert "http" not in page.replace("http-equiv", "")
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "0 of 1 expectations are met" in page
