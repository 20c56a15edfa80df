"""A benchmark by its name: a file of this folder, or `local:PATH`, a file of your own questions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leanvlm import plugins
from leanvlm.benchmarks._benchmark import Benchmark
from leanvlm.benchmarks._local import LocalBenchmark
from leanvlm.errors import InputError
from leanvlm.typed import LOCAL, LOCAL_NAME, build


def named(name: str, options: Mapping[str, Any] | None = None) -> Benchmark:
    """Build a benchmark with its options.

    Raises: InputError for a name without a file, an option that it lacks, or one of another type.
    """
    given, where = dict(options or {}), f"benchmarks.{name}"
    kind: Any = LocalBenchmark
    if not name.startswith(LOCAL):
        kind = plugins.load("benchmarks", name)
    elif not LOCAL_NAME.holds(name):
        raise InputError(f"the benchmark {name!r} is no name; write {LOCAL_NAME.wanted}")
    elif "path" in given:
        raise InputError(f"{where} has no key 'path'; the name says it")
    else:
        given["path"] = name.removeprefix(LOCAL)
    built: Benchmark = build(kind, given, where)
    return built
