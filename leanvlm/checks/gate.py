"""The gate: every table's Great Expectations, and three that SQL prepares across tables; a failure names its rows."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from leanvlm import files, store
from leanvlm.checks import _expect
from leanvlm.checks.expectations import (
    answers,
    audits,
    calibration,
    cells,
    costs,
    grades,
    parts,
    samples,
    skips,
    timings,
)
from leanvlm.errors import RunError

if TYPE_CHECKING:
    import pandas as pd
    from great_expectations.core import ExpectationValidationResult

MODULES = (samples, calibration, audits, costs, answers, cells, parts, skips, grades, timings)
SQL = Path(__file__).parent
MOST_ROWS = 5  # failing rows that are named


@dataclass(frozen=True)
class Batch:
    """Rows, what names one of them, and what is expected of them."""

    table: str
    keys: tuple[str, ...]
    rows: pd.DataFrame
    expectations: list[_expect.Expectation]


@dataclass(frozen=True)
class Finding:
    """What came of one expectation; `rows` are the first failing ones, with what is at fault."""

    table: str
    expectation: str
    is_met: bool
    n_rows: int
    n_failing: int
    rows: list[str]


def check(root: Path, *, benchmarks: Sequence[str]) -> list[Finding]:
    """Hold every table of the grid against its expectations.

    Raises: InputError where a table is missing, damaged or of another schema.
    """
    batches = [_batch(root, module, benchmarks) for module in MODULES]
    return _validate([*batches, *_across_tables(root, benchmarks)])


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
    frame = rows.select(scalar).to_pandas()
    return Batch(module.TABLE.name, module.TABLE.keys, frame, module.expectations())


def _across_tables(root: Path, benchmarks: Sequence[str]) -> list[Batch]:
    cell_keys = ("model", "recipe", "benchmark")
    counts = ("n_missing_answers", "n_stray_answers", "n_missing_grades", "n_stray_grades")
    whole = [_expect.between("n_samples", 1), *(_expect.between(count, 0, 0) for count in counts)]
    near = _expect.at_most("deviation", "allowed_deviation")
    within = [
        _expect.at_most("visual_tokens_kept", "visual_tokens"),
        _expect.at_most("cache_bytes", "full_cache_bytes"),
    ]
    with store.connect(root, benchmarks=benchmarks) as connection:
        coverage, budgets, bounds, layers = (
            connection.sql((SQL / f"{name}.sql").read_text(encoding="utf-8")).to_arrow_table().to_pandas()
            for name in ("coverage", "budgets", "bounds", "layers")
        )
    return [
        Batch("bounds", ("model", "recipe", "benchmark", "sample_id"), bounds, within),
        Batch("coverage", cell_keys, coverage, whole),
        Batch("budgets", ("model", "recipe", "position"), budgets, [_expect.filled("achieved_budget"), near]),
        Batch("layers", ("model", "recipe", "layer"), layers, [near]),
    ]


def _validate(batches: Sequence[Batch]) -> list[Finding]:
    os.environ["GX_ANALYTICS_ENABLED"] = "false"  # read once, when the package is imported
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    source = context.data_sources.add_pandas("tables")
    findings = []
    for batch in batches:
        asset = source.add_dataframe_asset(batch.table).add_batch_definition_whole_dataframe("whole")
        shape = {"result_format": "COMPLETE", "unexpected_index_column_names": list(batch.keys)}
        validated = asset.get_batch({"dataframe": batch.rows})
        suite = gx.ExpectationSuite(name=batch.table, expectations=batch.expectations)
        results = validated.validate(suite, result_format=shape).results
        findings += [_finding(batch, result) for result in results]
    return findings


def _finding(batch: Batch, result: ExpectationValidationResult) -> Finding:
    rows = result.result.get("unexpected_index_list") or []
    named = [", ".join(f"{key}={_spelt(value)}" for key, value in row.items()) for row in rows]
    if not result.success and not named:
        named = [str(result.exception_info)[:500]]
    return Finding(
        table=batch.table,
        expectation=_sentence(result),
        is_met=bool(result.success),
        n_rows=len(batch.rows),
        n_failing=len(rows),
        rows=sorted(set(named))[:MOST_ROWS],
    )


def _sentence(result: ExpectationValidationResult) -> str:
    """Say what was expected in Great Expectations' own words."""
    from great_expectations.render.renderer.inline_renderer import InlineRenderer

    assert result.expectation_config is not None
    rendered = InlineRenderer(render_object=result.expectation_config).get_rendered_content()
    said: Any = rendered[0].value.to_json_dict()
    words = {name: parameter["value"] for name, parameter in said["params"].items()}
    return f"{Template(said['template']).safe_substitute(words).rstrip('.')}."


def _spelt(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
