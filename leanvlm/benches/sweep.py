"""What a sweep costs beside one run: `make bench-sweep`.

Full alone, full with seven cache methods at five budgets in one sweep, and the same recipes cell by cell, one after the
other in each repeat, in one process and thread, on a drawn document of more than 600 prompt tokens.
"""

from __future__ import annotations

import random
import resource
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from leanvlm import files
from leanvlm.benches._figures import write
from leanvlm.benchmarks import documents
from leanvlm.engine.sweep import answers_to
from leanvlm.errors import exit_on_error
from leanvlm.models._loading import load_model
from leanvlm.models._model import LoadedModel
from leanvlm.recipes import FULL, Recipe, parse
from leanvlm.sample import Sample

METHODS = ("streaming", "h2o", "snapkv", "pyramidkv", "lookm", "vlcache")
BUDGETS = ("1%", "5%", "10%", "20%", "40%")
FULL_MODEL = parse(FULL)
REPEATS = 9


def main() -> None:
    """Print one line per number of new tokens."""
    torch.set_num_threads(1)
    model = load_model("llava_onevision", files.EMBEDDED)
    picture = documents.Benchmark(columns=24, rows=24).draw(random.Random(0))
    images = tuple(canvas.image for canvas in picture.canvases)
    asked = Sample(sample_id="s", question=picture.questions[0].text, images=images)
    names = ["controls/random_cache", *(f"cache/{name}" for name in METHODS)]
    swept = [FULL_MODEL, *(parse(f"{name}@{budget}") for name in names for budget in BUDGETS)]
    n_tokens = model.inputs(asked.pictures(), asked.question)["input_ids"].shape[1]
    print(f"{n_tokens} prompt tokens, {len(swept)} recipes, {REPEATS} repeats, 1 thread")
    figures = [compare(model, asked, swept, limit) for limit in (4, 25)]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory of the process: {peak:.0f} MiB")
    write("sweep", figures, prompt_tokens=n_tokens, recipes=len(swept), repeats=REPEATS, peak_mib=round(peak))


def compare(model: LoadedModel, asked: Sample, swept: Sequence[Recipe], limit: int) -> dict[str, Any]:
    """Time the three ways side by side; print and return their ratios to full alone: median and quartiles."""
    rows = []
    for _ in range(REPEATS + 1):  # the first warms up
        alone = seconds(model, asked, [[FULL_MODEL]], limit)
        together = seconds(model, asked, [swept], limit)
        apart = seconds(model, asked, [[recipe] for recipe in swept], limit)
        rows.append((together / alone, apart / alone, alone))
    low, middle, high = np.quantile(np.array(rows[1:]), [0.25, 0.5, 0.75], axis=0)
    print(
        f"{limit:>2} new tokens: full alone {middle[2] * 1000:.0f} ms; "
        f"the sweep costs {middle[0]:.2f} times as much ({low[0]:.2f} to {high[0]:.2f}), "
        f"cell by cell {middle[1]:.1f} ({low[1]:.1f} to {high[1]:.1f})"
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
