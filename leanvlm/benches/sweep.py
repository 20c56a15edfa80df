"""What a sweep costs beside one run: `make bench-sweep`.

Full alone, full with seven cache methods at five budgets in one sweep, and the same recipes cell by cell, one after the
other in each repeat, in one process and thread, on a drawn document of more than 600 prompt tokens. For other models:
`python -m leanvlm.benches.sweep --shape llava-onevision-7b --dtype bfloat16 --device cuda`.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from leanvlm.benches import _subject
from leanvlm.benches._figures import COUNT, write
from leanvlm.benchmarks import documents
from leanvlm.clock.timers import FULL_MODEL
from leanvlm.engine.sweep import answers_to
from leanvlm.errors import exit_on_error
from leanvlm.models._model import LoadedModel
from leanvlm.recipes import Recipe, parse
from leanvlm.sample import Sample

METHODS = ("streaming", "h2o", "snapkv", "pyramidkv", "lookm", "vlcache")
BUDGETS = ("1%", "5%", "10%", "20%", "40%")


def main() -> None:
    """Print one line per number of new tokens."""
    parser = argparse.ArgumentParser(description=__doc__)
    _subject.add_arguments(parser, dtype="float32")
    parser.add_argument("--repeats", type=COUNT, default=9)
    given = parser.parse_args()
    torch.set_num_threads(1)
    model, asked = _subject.load(given), _subject.page(0, documents.Benchmark(columns=24, rows=24))
    names = ["controls/random_cache", *(f"cache/{name}" for name in METHODS)]
    swept = [FULL_MODEL, *(parse(f"{name}@{budget}") for name in names for budget in BUDGETS)]
    n_tokens = model.inputs(asked.pictures(), asked.question)["input_ids"].shape[1]
    print(f"{n_tokens} prompt tokens, {len(swept)} recipes, {given.repeats} repeats, 1 thread, "
          f"{given.dtype} on {given.device}")  # fmt: skip
    figures = [compare(model, asked, swept, limit, given.repeats) for limit in (4, 25)]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory of the process: {peak:.0f} MiB")
    write("sweep", figures, prompt_tokens=n_tokens, recipes=len(swept), repeats=given.repeats, peak_mib=round(peak),
          shape=given.shape, dtype=given.dtype, device=given.device)  # fmt: skip


def compare(model: LoadedModel, asked: Sample, swept: Sequence[Recipe], limit: int, repeats: int) -> dict[str, Any]:
    """Time the three ways side by side; print and return their ratios to full alone: median and quartiles."""
    rows = []
    for _ in range(repeats + 1):  # the first warms up
        alone = seconds(model, asked, [[FULL_MODEL]], limit)
        together = seconds(model, asked, [swept], limit)
        apart = seconds(model, asked, [[recipe] for recipe in swept], limit)
        rows.append((together / alone, apart / alone, alone))
    low, middle, high = np.quantile(np.array(rows[1:]), [0.25, 0.5, 0.75], axis=0)
    print(
        f"{limit:>2} new tokens: full alone {middle[2] * 1000:.0f} ms; "
        f"the sweep costs {middle[0]:.2f} times as much ({low[0]:.2f} to {high[0]:.2f}), "
        f"cell by cell {middle[1]:.1f} ({low[1]:.1f} to {high[1]:.1f})",
        flush=True,
    )
    sweep, apart_ratio = ([float(low[i]), float(middle[i]), float(high[i])] for i in (0, 1))
    return {"new_tokens": limit, "sweep": sweep, "cell_by_cell": apart_ratio, "full_seconds": float(middle[2])}


def seconds(model: LoadedModel, asked: Sample, runs: Sequence[Sequence[Recipe]], limit: int) -> float:
    """Time some sweeps; no answer ends before `limit`."""
    start = time.perf_counter()
    for recipes in runs:
        answers_to(model, asked, recipes, limit=limit, stops=frozenset())
    return time.perf_counter() - start


if __name__ == "__main__":
    exit_on_error(main)
