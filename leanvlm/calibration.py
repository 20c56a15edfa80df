"""What weights methods look at: training questions with their pictures and answers, never graded ones.

A source is a benchmark with a split to train on, or a file of rows (leanvlm/rows/conversations.py says of which
form). What a person's file may hold is not known beforehand, so leanvlm/checks/graded.py compares the pictures too.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from leanvlm import pictures, plugins
from leanvlm.benchmarks._benchmark import HELD_OUT_SEED, Benchmark
from leanvlm.benchmarks._folder import FolderBenchmark
from leanvlm.errors import InputError
from leanvlm.rows.formats import SPELT, SUFFIXES
from leanvlm.rows.once import refuse_file_twice
from leanvlm.rows.training import Rows
from leanvlm.sample import Sample
from leanvlm.typed import LOCAL

SOURCES = ("documents", "charts", "scenes", "easy_vqa")
Row = dict[str, Any]  # one row of the table `calibration`
Build = Callable[[str], Benchmark]


def _plain(name: str) -> Benchmark:
    built: Benchmark = plugins.load("benchmarks", name)()
    return built


def draw(n: int, *, seed: int, sources: Sequence[str] = SOURCES, build: Build = _plain) -> Iterator[Row]:
    """Yield `n` samples, sources in turn; a seed always gives the same, and fewer are a prefix of more.

    Takes: build, which makes a benchmark of its name; plainly, or with the options of params.yaml.

    Raises: InputError for a source that is none or has too few rows, a row that cannot be used, a video, or a seed that
        graded samples are drawn from.
    """
    if not 0 <= seed < HELD_OUT_SEED:
        raise InputError(f"calibration.seed {seed!r} is not from 0 to {HELD_OUT_SEED - 1}, where training samples lie")
    rng = random.Random(seed)  # shared by all but files of rows, so that who reads a file need draw nothing
    asked = {}
    for name, (source, wanted) in _asked(n, sources, build).items():
        asked[name] = source.training(wanted, rng=random.Random(seed) if _rows(source) else rng)
    for index in range(n):
        name = sources[index % len(sources)]
        sample = next(asked[name], None)
        if sample is None:
            raise InputError(f"calibration.sources has {name!r}, which yields too few samples for {n}; ask for fewer")
        yield _row(name, index, sample)


def read_for(n: int, *, seed: int, sources: Sequence[str], build: Build) -> list[Path]:
    """List the files of rows and of pictures that `draw` reads, whose edits are to be noticed."""
    asked = [(_rows(source), wanted) for source, wanted in _asked(n, sources, build).values()]
    return [path for rows, wanted in asked if rows for path in rows.read_for(wanted, rng=random.Random(seed))]


def source_of(name: str, build: Build = _plain) -> Benchmark | Rows:
    """Find what an entry of calibration.sources names.

    Raises: InputError for what is neither a file of rows nor a benchmark with a split to train on.
    """
    if name.startswith(LOCAL):
        raise InputError(f"calibration.sources has {name!r}, whose questions are graded; name others to look at")
    if name.endswith(SUFFIXES):
        return Rows(Path(name))
    if name in plugins.ids("benchmarks") and (built := build(name)).has_training():
        return built
    able = ", ".join(one for one in plugins.ids("benchmarks") if plugins.load("benchmarks", one).has_training())
    raise InputError(f"calibration.sources has {name!r}; it takes benchmarks that can train ({able}) "
                     f"and paths that end in {SPELT}")  # fmt: skip


def _asked(n: int, sources: Sequence[str], build: Build) -> dict[str, tuple[Benchmark | Rows, int]]:
    """Find each source, and how many samples it owes."""
    if not sources:
        raise InputError("calibration.sources is empty; name a benchmark or a file of rows")
    refuse_file_twice(sources, where="in calibration.sources")
    counts = Counter(sources[index % len(sources)] for index in range(n))
    return {name: (source_of(name, build), wanted) for name, wanted in counts.items()}


def _rows(source: Benchmark | Rows) -> Rows | None:
    """Say which file of rows a source reads, if it reads one."""
    if isinstance(source, FolderBenchmark) and type(source).training is FolderBenchmark.training:
        return source.training_rows()
    return source if isinstance(source, Rows) else None


def _row(name: str, index: int, sample: Sample) -> Row:
    """Describe a sample; every picture becomes a PNG, whose pixels are those of the file."""
    if sample.fps is not None:
        raise InputError(f"calibration.sources has {name!r}, whose samples are videos; it takes pictures")
    images = [pictures.png(image) for image in sample.pictures()]
    row = {"question": sample.question, "answer": sample.answers[0], "images": images}
    return {"sample_id": f"{name}-{sample.sample_id or f'{index:05d}'}", **row}
