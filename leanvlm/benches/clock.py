"""What the clock finds where the truth is known: `make bench-clock`.

Two runs of several processes, the second beside a process that keeps a core busy. In each, the full model is timed
beside itself, many times over; so is one that sleeps a twentieth of a phase in it; and some recipes, which the two runs
should find alike. Verdicts and intervals are those of `overall_efficiency`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import product
from typing import Any

import duckdb
import pyarrow as pa
import torch

from leanvlm import files, store
from leanvlm.benches import _subject
from leanvlm.benches._figures import span, write
from leanvlm.clock.pairs import pair
from leanvlm.clock.run import Seconds, answer, run, to_seconds
from leanvlm.clock.stopwatch import Stopwatch
from leanvlm.errors import exit_on_error
from leanvlm.metrics import tally
from leanvlm.models._loading import load_model
from leanvlm.models._model import LoadedModel
from leanvlm.processes.children import dying_with_this
from leanvlm.recipes import FULL, Recipe, parse
from leanvlm.sample import Sample

PROCESSES, REPEATS, NEW_TOKENS = 5, 3, 16
N_SAME = 20  # times that the full model is timed beside itself
PLANTED = {"vision": "vision", "read": "prefill", "decode": "decode"}  # where it sleeps, and where that should be found
SHARE = 0.05
RECIPES = ("controls/random_tokens@10%", "controls/downsample@40%", "tokens/fastv@10%", "tokens/fastv@40%",
           "tokens/visionzip@10%", "tokens/visionzip@40%", "cache/streaming@10%", "cache/snapkv@10%", "cache/h2o@10%",
           "cache/pyramidkv@10%")  # fmt: skip
BUSY = "while True: pass"
CONDITION = {"model": "embedded", "device": "cpu", "engine": "leanvlm", "dtype": "float32", "attention": "sdpa",
             "axis": "none", "batch_size": 1, "prompt_tokens": 463, "visual_tokens": 456, "new_tokens": NEW_TOKENS,
             "is_shape_only": False}  # fmt: skip


class Slowed(Stopwatch):
    """A stopwatch of a model that sleeps a share of one phase in it."""

    def __init__(self, device: torch.device, slow: str) -> None:
        super().__init__(device)
        self.slow = slow

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time what happens within a `with`, and the sleep."""
        with super().phase(name):
            start = time.perf_counter()
            yield
            if name == self.slow:
                time.sleep(SHARE * (time.perf_counter() - start))


def main() -> None:
    """Make both runs, print what they found and keep it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--process", type=int, help="be one process of a run, and print its rows")
    given = parser.parse_args()
    if given.process is not None:
        print(json.dumps(rows(given.process)))
        return
    quiet, busy = measure(), measure(beside=BUSY)
    print(f"{PROCESSES} processes of {REPEATS} repeats, 1 thread; the second run beside a busy process")
    for title, found in (("quiet", quiet), ("busy", busy)):
        report(title, found)
    agree = [name for name in RECIPES if _within(quiet[name, "total"], busy[name, "total"])]
    print(f"the busy run lies within the quiet run's interval: {len(agree)} of {len(RECIPES)} recipes")
    figures = [row | {"run": title} for title, found in (("quiet", quiet), ("busy", busy)) for row in found.values()]
    write("clock", figures, processes=PROCESSES, repeats=REPEATS, agree=len(agree), recipes=len(RECIPES))


def rows(process: int) -> list[dict[str, Any]]:
    """Time everything once, in rounds."""
    torch.set_num_threads(1)
    model = load_model("llava_onevision", files.EMBEDDED)
    sample = _subject.page(0)
    full = partial(run, model, [sample], parse(FULL), new_tokens=NEW_TOKENS)
    asked = {f"same {index}": full for index in range(N_SAME)}
    asked |= {f"slow {phase}": partial(slowed, model, sample, phase) for phase in PLANTED}
    asked |= {name: partial(run, model, [sample], parse(name), new_tokens=NEW_TOKENS) for name in RECIPES}
    for mine in asked.values():
        mine()
    return [
        _row(name, process, repeat, *pair(full, mine, repeat=process + repeat + index))
        for repeat, (index, (name, mine)) in product(range(REPEATS), enumerate(asked.items()))
    ]


def slowed(model: LoadedModel, sample: Sample, phase: str) -> Seconds:
    """Time the full model, asleep for a while."""
    watch = Slowed(model.model.device, phase)
    full: Recipe = parse(FULL)
    answer(model, [sample], full, watch, new_tokens=NEW_TOKENS)
    return to_seconds(watch.seconds(), NEW_TOKENS)


def _row(name: str, process: int, repeat: int, mine: Seconds, full: Seconds) -> dict[str, Any]:
    return {"recipe": name, "process": process, "repeat": repeat, "mine": vars(mine), "full": vars(full)}


def measure(beside: str | None = None) -> dict[tuple[str, str], dict[str, Any]]:
    """Make a run of several processes; return what the metric says, by name and phase."""
    other = subprocess.Popen([sys.executable, "-c", beside], preexec_fn=dying_with_this()) if beside else None
    try:
        said = [json.loads(_process(number)) for number in range(PROCESSES)]
    finally:
        if other is not None:
            other.kill()
            other.wait()
    timed = [
        CONDITION
        | {"recipe": row["recipe"], "process": row["process"], "repeat": row["repeat"], "phase": phase}
        | {"seconds": row["mine"][phase], "full_seconds": row["full"][phase]}
        for part in said
        for row in part
        for phase in ("vision", "prefill", "decode", "total")
    ]
    with duckdb.connect() as connection:
        tally.prepare(connection, resamples=1, seed=0)
        store.add(connection, "timings", pa.Table.from_pylist(timed))
        for metric in tally.needed("overall_efficiency"):
            tally.compute(connection, metric)
        found = connection.sql("from overall_efficiency").to_arrow_table().to_pylist()
    return {(row["recipe"], row["phase"]): row for row in found}


def _process(number: int) -> str:
    command = [sys.executable, "-m", "leanvlm.benches.clock", "--process", str(number)]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, preexec_fn=dying_with_this()).stdout


def report(title: str, found: dict[tuple[str, str], dict[str, Any]]) -> None:
    """Print what one run found."""
    verdicts = [found[f"same {index}", "total"]["verdict"] for index in range(N_SAME)]
    print(f"{title}: full beside full is no real speed-up in {verdicts.count('no real speed-up')} of {N_SAME}")
    for phase, shown in PLANTED.items():
        row = found[f"slow {phase}", shown]
        print(f"{title}: {SHARE:.0%} more in {phase}: {shown} {_spelt(row)}, {row['verdict']}; "
              f"true {_truth(found, phase):.3f}")  # fmt: skip
    for name in RECIPES:
        print(f"{title}: {name:<28}{_spelt(found[name, 'total'])} {found[name, 'total']['verdict']}", flush=True)


def _truth(found: dict[tuple[str, str], dict[str, Any]], phase: str) -> float:
    """Say what a sleep in a phase makes of the one that it is found in: reading is the prefill without the vision."""
    whole = found[f"slow {phase}", PLANTED[phase]]["median_full_seconds"]
    rest = found[f"slow {phase}", "vision"]["median_full_seconds"] if phase == "read" else 0.0
    return float(whole / (whole + SHARE * (whole - rest)))


def _spelt(row: dict[str, Any]) -> str:
    return span(row["low"], row["overall_efficiency"], row["high"])


def _within(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return bool(one["low"] <= other["overall_efficiency"] <= one["high"])


if __name__ == "__main__":
    exit_on_error(main)
