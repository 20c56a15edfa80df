"""fetch: bring here the models that lie on the hub, once, and note of all that params.yaml names which files it is.

Writes: artifacts/sources/<model>.json: the checkpoint's name, its revision, and the hash of each of its files, so that
        DVC notices another revision, and an edit of any file; artifacts/calibration_files.json, the same of the files
        of rows and pictures that calibration.sources names; artifacts/benchmark_files.json, of those that benchmarks
        read, and why one cannot be read.
Reads:  params.yaml: grid.models, grid.benchmarks, models, calibration, benchmarks; the files that it names,
        the hub's cache (HF_HOME), the hub.
"""

from __future__ import annotations

import json
from pathlib import Path

from leanvlm import files
from leanvlm.benchmarks._benchmark import Benchmark
from leanvlm.calibration import read_for
from leanvlm.errors import exit_on_error
from leanvlm.hashes import file_hash, listing
from leanvlm.models._adapter import infer
from leanvlm.models._hub import folder_of, revision_of
from leanvlm.params import Params, load


def main() -> None:
    """Fetch what is missing and write the listings."""
    params = load(files.PARAMS)
    for name in params.grid.models:
        checkpoint = params.models[name].checkpoint
        folder = folder_of(checkpoint, fetch=True)
        found = listing(folder)
        told = {"checkpoint": checkpoint, "revision": revision_of(checkpoint, folder), "files": found}
        _write(told, files.source(name))
        kind = params.models[name].architecture or infer(folder)
        print(f"{name}: {kind}, {len(found)} files, {sum(size for size, _ in found.values()) / 1e9:.2f} GB")
    for stale in set(files.SOURCES.glob("*.json")) - {files.source(name) for name in params.grid.models}:
        stale.unlink()
    _write(_of_calibration(params), files.ROWS)
    _write({name: _of_benchmark(params.benchmark(name)) for name in params.grid.benchmarks}, files.BENCHMARK_FILES)


def _of_benchmark(benchmark: Benchmark) -> dict[str, str]:
    """Hash the files that a benchmark reads; of one that cannot be read, say why, since that may change too."""
    if reason := benchmark.missing():
        return {"missing": reason}
    return {path.as_posix(): file_hash(path) for path in benchmark.files()}


def _of_calibration(params: Params) -> dict[str, str]:
    """Hash the files that calibration reads; a picture that is missing is refused when it is read."""
    asked = params.calibration
    read = read_for(asked.n, seed=asked.seed, sources=asked.sources, build=params.benchmark)
    return {path.as_posix(): file_hash(path) for path in read}


def _write(listing: object, path: Path) -> None:
    files.write(json.dumps(listing, indent=1, sort_keys=True) + "\n", path)


if __name__ == "__main__":
    exit_on_error(main)
