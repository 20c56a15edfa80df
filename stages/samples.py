"""samples: draw or read what each benchmark of the grid asks.

Writes: data/samples/<benchmark>.parquet.
Reads:  params.yaml: samples, grid.benchmarks, benchmarks; the files that benchmarks read.
"""

from __future__ import annotations

from leanvlm import files, params
from leanvlm.errors import exit_on_error
from leanvlm.pipeline import samples


def main() -> None:
    """Write the samples of each benchmark."""
    loaded = params.load(files.PARAMS)
    for name in loaded.grid.benchmarks:
        print(samples.write(name, loaded.benchmark(name), n=loaded.samples.n, seed=loaded.samples.seed))


if __name__ == "__main__":
    exit_on_error(main)
