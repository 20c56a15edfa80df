"""From what a benchmark asks to its table: the samples as they are drawn or read, and what makes them easy or hard."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from itertools import islice
from typing import Any

from leanvlm import files
from leanvlm.benchmarks._benchmark import Benchmark
from leanvlm.benchmarks._soundness import sound
from leanvlm.sample import Sample
from leanvlm.tables import samples
from leanvlm.tables._parquet import STREAMED


def write(name: str, benchmark: Benchmark, *, n: int, seed: int) -> str:
    """Write the samples of a benchmark, or why it has none here; say in a line what was written."""
    if reason := benchmark.missing():
        samples.TABLE.write([], files.samples(name), metadata={samples.MISSING: reason})
        return f"{name}: skipped, since {reason}"
    found = sound(name, benchmark.samples(n, seed=seed))
    return f"{name}: {_write(found, name, _knobs(benchmark))} samples"


def _write(found: Iterator[Sample], name: str, difficulty: Mapping[str, Any]) -> int:
    """Write samples as they come, since their pictures may not fit into memory together; return how many."""
    n = 0
    with samples.TABLE.writing(files.samples(name)) as append:
        while some := list(islice(found, STREAMED)):
            append([row(name, sample, difficulty) for sample in some])
            n += len(some)
    return n


def _knobs(benchmark: Benchmark) -> dict[str, Any]:
    """Return the options that make samples easy or hard; where data lie is none of them."""
    options: dict[str, Any] = asdict(benchmark)  # type: ignore[call-overload]
    return {name: value for name, value in options.items() if name not in ("folder", "path")}


def row(benchmark: str, sample: Sample, difficulty: Mapping[str, Any]) -> dict[str, Any]:
    """Describe one sample as a row; what the benchmark knows of it alone stands beside the benchmark's knobs."""
    return {
        "benchmark": benchmark,
        "sample_id": sample.sample_id,
        "group_id": sample.group_id,
        "turn": sample.turn,
        "kind": sample.kind,
        "question": sample.question,
        "answers": list(sample.answers),
        "rule": sample.rule,
        "options": list(sample.options),
        "max_new_tokens": sample.max_new_tokens,
        "stop_texts": list(sample.stop_texts),
        "published_rule": sample.published.rule if sample.published else None,
        "aggregate": sample.published.aggregate if sample.published else None,
        "facts": json.dumps(dict(sample.published.facts), sort_keys=True) if sample.published else None,
        "judge": sample.judge or None,
        "images": list(sample.encoded()),
        "fps": sample.fps,
        "difficulty": json.dumps({**difficulty, **sample.properties}, sort_keys=True),
    }
