"""Hold rows against expectations with Great Expectations, and say what came of each as a sentence and its rows."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from string import Template
from typing import TYPE_CHECKING, Any

from leanvlm.checks import _expect

if TYPE_CHECKING:
    import pandas as pd
    from great_expectations.core import ExpectationValidationResult

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


def validate(batches: Sequence[Batch]) -> list[Finding]:
    """Return a finding for every expectation of every batch."""
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
        named = [_without_rows(batch, result)]
    return Finding(
        table=batch.table,
        expectation=_sentence(result),
        is_met=bool(result.success),
        n_rows=len(batch.rows),
        n_failing=len(rows),
        rows=sorted(set(named))[:MOST_ROWS],
    )


def _without_rows(batch: Batch, result: ExpectationValidationResult) -> str:
    """Say what failed where no row is at fault: the table's size, or the check itself."""
    if "observed_value" in result.result:
        return f"{batch.table} has {result.result['observed_value']} rows"
    return str(result.exception_info)[:500]


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
