"""The bench of the metrics runs, a hundredth of its size, and pandas finds the same numbers."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from leanvlm import tally
from leanvlm.benches import metrics, metrics_rival


def test_bench_tells_the_seconds_of_every_metric(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    metrics.main(samples=100, written=tmp_path / "bench" / "metrics.json")
    found = json.loads((tmp_path / "bench" / "metrics.json").read_text())
    assert found["predictions"] == 100_000
    assert set(found["seconds"]) == {metric.name for metric in tally.metrics()}
    assert f"{found['ratio_to_pandas']:.2f}" in capsys.readouterr().out


def test_rival_computes_what_we_compute(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its overall performances, caught where it draws the front, are ours."""
    caught = []
    monkeypatch.setattr(metrics_rival, "front", caught.append)
    with metrics.opened() as (connection, folder):
        metrics.drawn(connection, 10)
        metrics.measured(connection)
        metrics.export(connection, folder)
        metrics_rival.measured(folder, resamples=5)
        ours = connection.execute("select model, recipe, overall_performance from overall_performance").fetchall()
    [points] = caught
    theirs = {(one.model, one.recipe): one.performance for one in points.itertuples()}
    assert len(ours) == len(theirs) == 100
    assert all(math.isclose(theirs[model, recipe], found, abs_tol=1e-8) for model, recipe, found in ours)
