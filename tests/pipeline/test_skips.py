"""What a model refuses is not run and is listed with its reason; the rest of the grid is answered and timed."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq

from stages import clock
from tests.checkouts import run, write_params
from tests.in_process import call, draw_samples, leanvlm
from tests.models.test_processors import write_checkpoint

RECIPES = ("controls/full", "tokens/fastv@40%", "tokens/sparsevlm@40%", "tokens/evs@40%", "cache/snapkv@10%")
STAGED = "tokens cannot be dropped at layer 1, since layer 0 has no attention to choose them by; they can at 2"
FRAMES = "it chooses among the frames of a video, and this"
REFUSED = {
    ("embedded", "tokens/evs@40%"): f"{FRAMES} benchmark has none",
    ("hybrid", "tokens/evs@40%"): f"{FRAMES} model takes none",
    ("hybrid", "tokens/sparsevlm@40%"): STAGED,
}


def test_a_refused_pair_is_listed_with_its_reason_and_the_rest_is_answered(checkout: Path, server: str) -> None:
    write_checkpoint("lfm2_vl", checkout / "hybrid")
    write_params(checkout, RECIPES, n=2)
    params = checkout / "params.yaml"
    hybrid = "  hybrid: {architecture: lfm2_vl, checkpoint: hybrid}\nbenchmarks: {}"
    text = params.read_text().replace("[embedded]", "[embedded, hybrid]").replace("benchmarks: {}", hybrid, 1)
    params.write_text(text)
    draw_samples(checkout)
    done = run(checkout, "stages/answer.py", server=server)
    assert done.returncode == 0, done.stderr[-2000:]

    skips = pq.read_table(checkout / "artifacts/skips.parquet").to_pylist()
    asked = ("easy_vqa", "documents")
    expected = {(*pair, benchmark): reason for pair, reason in REFUSED.items() for benchmark in asked}
    assert {(row["model"], row["recipe"], row["benchmark"]): row["reason"] for row in skips} == expected
    assert len(skips) == len(expected)
    every = {(model, recipe) for model in ("embedded", "hybrid") for recipe in RECIPES}
    assert pairs(checkout / "artifacts/answers.parquet") == every - REFUSED.keys()
    assert pairs(checkout / "artifacts/cells.parquet") == every - REFUSED.keys()

    assert call(checkout, clock.main).returncode == 0
    assert pairs(checkout / "artifacts/timings.parquet") == every - REFUSED.keys()
    why = leanvlm(checkout, "explain", "tokens/sparsevlm@40%", "documents").stdout
    assert f"hybrid | tokens/sparsevlm@40% | documents: not run, {STAGED}" in why


def pairs(table: Path) -> set[tuple[str, str]]:
    return {(row["model"], row["recipe"]) for row in pq.read_table(table, columns=["model", "recipe"]).to_pylist()}
