"""samples -- draw or read what each benchmark of the grid asks."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from leanvlm import files
from leanvlm.benchmarks._benchmark import Benchmark
from leanvlm.benchmarks._soundness import sound
from leanvlm.errors import exit_on_error
from leanvlm.params import load
from leanvlm.processes.children import die_with_parent
from leanvlm.sample import Sample
from leanvlm.tables import samples


def main() -> None:
    """Write the samples of each benchmark."""
    die_with_parent()
    params = load(files.PARAMS)
    for name in params.grid.benchmarks:
        benchmark = params.benchmark(name)
        if reason := benchmark.missing():
            samples.TABLE.write([], files.samples(name), metadata={samples.MISSING: reason})
            print(f"{name}: skipped, since {reason}")
            continue
        difficulty = json.dumps(knobs(benchmark), sort_keys=True)
        found = sound(name, benchmark.samples(params.samples.n, seed=params.samples.seed))
        rows = [row(name, sample, difficulty) for sample in found]
        samples.TABLE.write(rows, files.samples(name))
        print(f"{name}: {len(rows)} samples")


def knobs(benchmark: Benchmark) -> dict[str, Any]:
    """Return the options that make samples easy or hard; where data lie is none of them."""
    options: dict[str, Any] = asdict(benchmark)  # type: ignore[call-overload]
    return {name: value for name, value in options.items() if name != "folder"}


def row(benchmark: str, sample: Sample, difficulty: str) -> dict[str, Any]:
    """Describe one sample as a row."""
    return {
        "benchmark": benchmark,
        "sample_id": sample.sample_id,
        "group_id": sample.group_id,
        "kind": sample.kind,
        "question": sample.question,
        "answers": list(sample.answers),
        "rule": sample.rule,
        "images": list(sample.encoded()),
        "fps": sample.fps,
        "difficulty": difficulty,
    }


if __name__ == "__main__":
    exit_on_error(main)
