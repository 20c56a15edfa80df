"""The bench of the metrics runs, a hundredth of its size, and pandas and polars find the same numbers."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest

from leanvlm import files, grading, store
from leanvlm.benches import _bootstrap
from leanvlm.benches.metrics import __main__ as metrics
from leanvlm.benches.metrics import with_pandas, with_polars
from leanvlm.metrics import tally

Points = dict[tuple[str, str], float]


def test_bench_tells_the_seconds_of_every_metric(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "BENCH", tmp_path)
    metrics.main(samples=100, rounds=1)
    found = json.loads((tmp_path / "metrics.json").read_text())
    assert found["settings"]["predictions"] == 100_000
    assert {row["metric"] for row in found["rows"]} == {metric.table for metric in tally.metrics()}
    assert [set(sides) for sides in found["settings"]["sides"]] == [{"ours", "pandas", "polars"}]
    assert set(found["settings"]["grading"]) == {*grading.rules(), "choice, options named"}
    assert "ours / polars" in capsys.readouterr().out


def by_recipe(rows: Iterable[Any]) -> Points:
    return {(one.model, one.recipe): one.performance for one in rows}


def of_polars(points: Any) -> Points:
    return by_recipe(pd.DataFrame(points.to_dicts()).itertuples())


@pytest.mark.parametrize(
    ("rival", "read"), [(with_pandas, lambda points: by_recipe(points.itertuples())), (with_polars, of_polars)]
)
def test_rival_computes_what_we_compute(rival: ModuleType, read: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its overall performances, caught where it draws the front, are ours, and its intervals are near."""
    caught: list[Any] = []
    intervals: list[Any] = []
    drawn = _bootstrap.intervals
    monkeypatch.setattr(rival, "front", caught.append)
    monkeypatch.setattr(_bootstrap, "intervals", lambda *a, **k: intervals.append(drawn(*a, **k)))
    with metrics.opened() as (connection, folder):
        metrics.drawn(connection, 100)
        metrics.measured(connection)
        metrics.export(connection, folder)
        rival.measured(folder, resamples=200)
        ours = _ours(connection)
    theirs = read(caught[0])
    assert len(ours) == len(theirs) == 100
    assert all(math.isclose(theirs[key], found, abs_tol=1e-8) for key, (found, _) in ours.items())
    low, high = intervals[0]
    widths = [width for _, width in ours.values()]
    assert np.median(high - low) == pytest.approx(np.median(widths), rel=0.1)


def _ours(connection: store.Connection) -> dict[tuple[str, str], tuple[float, float]]:
    found = connection.execute(
        "select model, recipe, overall_performance, high - low from overall_performance where scope = 'all'"
    )
    return {(model, recipe): (performance, width) for model, recipe, performance, width in found.fetchall()}
