"""The gate: every table's Great Expectations, and some across tables, which SQL prepares; a failure names its rows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from leanvlm import files, store
from leanvlm.checks import _expect
from leanvlm.checks.expectations import (
    answers,
    audits,
    calibration,
    ceilings,
    cells,
    costs,
    grades,
    judgements,
    parts,
    samples,
    skips,
    timings,
    workloads,
)
from leanvlm.checks.graded import graded
from leanvlm.checks.validate import Batch, Finding, validate
from leanvlm.errors import RunError
from leanvlm.right_answers import is_blank
from leanvlm.tables import calibration as drawn_rows

MODULES = (
    samples, calibration, audits, costs, answers, cells, parts, skips, judgements, grades, timings, workloads, ceilings
)  # fmt: skip
SQL = Path(__file__).parent


def check(root: Path, *, benchmarks: Sequence[str]) -> list[Finding]:
    """Hold every table of the grid against its expectations.

    Raises: InputError where a table is missing, damaged or of another schema.
    """
    batches = [_batch(root, module, benchmarks) for module in MODULES]
    return validate([*batches, _graded(root, benchmarks), *_across_tables(root, benchmarks)])


def refuse_failures(findings: Sequence[Finding]) -> None:
    """Stop the pipeline at the first expectation that is not met.

    Raises: RunError naming table, expectation and the first failing rows.
    """
    failed = [finding for finding in findings if not finding.is_met]
    if failed:
        first = failed[0]
        rows = "; ".join(first.rows)
        more = f" ({len(failed) - 1} more expectations failed, see {files.DATA_DOCS})" if failed[1:] else ""
        raise RunError(f"{first.table}: {first.expectation} Not so in {first.n_failing} rows: {rows}{more}")


def write_json(findings: Sequence[Finding], path: Path) -> None:
    """Write all findings, sorted, with nothing in them that differs from run to run."""
    ordered = sorted(findings, key=lambda finding: (finding.table, finding.expectation))
    text = json.dumps([asdict(finding) for finding in ordered], indent=1, ensure_ascii=False)
    files.write(f"{text}\n", path)


def _batch(root: Path, module: Any, benchmarks: Sequence[str]) -> Batch:
    rows = store.read(root, module.TABLE, benchmarks=benchmarks)
    scalar = [field.name for field in rows.schema if not pa.types.is_list(field.type)]
    lists = [name for name in rows.column_names if name not in scalar]
    frame = rows.select(scalar).to_pandas().assign(**{f"n_{name}": _lengths(rows[name]) for name in lists})
    if "answers" in lists:
        frame["n_blank_answers"] = [sum(is_blank(text or "") for text in said) for said in rows["answers"].to_pylist()]
    return Batch(module.TABLE.name, module.TABLE.keys, frame, module.expectations())


def _graded(root: Path, benchmarks: Sequence[str]) -> Batch:
    """Expect no calibration sample among those that are graded; samples can change after it was drawn."""
    drawn = store.read(root, drawn_rows.TABLE, benchmarks=benchmarks).to_pylist()
    rows = pd.DataFrame(graded(drawn, root, benchmarks=benchmarks), columns=["sample_id", "graded_as"])
    return Batch("graded", ("sample_id",), rows, [_expect.among("graded_as", [""])])


def _lengths(column: pa.ChunkedArray[Any]) -> Any:
    return pc.list_value_length(column).to_numpy()


def _across_tables(root: Path, benchmarks: Sequence[str]) -> list[Batch]:
    cell_keys = ("model", "recipe", "benchmark")
    counts = ("n_missing_answers", "n_stray_answers", "n_missing_grades", "n_stray_grades")
    whole = [_expect.between("n_samples", 1), *(_expect.between(count, 0, 0) for count in counts)]
    complete = [_expect.at_most("n_wanted", "n_found"), _expect.at_most("n_found", "n_wanted")]
    near = _expect.at_most("deviation", "allowed_deviation")
    within = [
        _expect.at_most("visual_tokens_kept", "visual_tokens"),
        _expect.at_most("cache_bytes", "full_cache_bytes"),
    ]
    with store.connect(root, benchmarks=benchmarks) as connection:
        coverage, budgets, bounds, layers, counts_of_recipes = (
            connection.sql((SQL / f"{name}.sql").read_text(encoding="utf-8")).to_arrow_table().to_pandas()
            for name in ("coverage", "budgets", "bounds", "layers", "counts")
        )
    return [
        Batch("bounds", ("model", "recipe", "benchmark", "sample_id"), bounds, within),
        Batch("coverage", cell_keys, coverage, whole),
        Batch("budgets", ("model", "recipe", "position"), budgets, [_expect.filled("achieved_budget"), near]),
        Batch("counts", ("of_table", "model", "recipe"), counts_of_recipes, complete),
        Batch("layers", ("model", "recipe", "layer"), layers, [near]),
    ]
