"""calibration: draw or read the training questions that weights methods look at, and refuse those that are graded.

Writes: data/calibration.parquet.
Reads:  params.yaml: calibration, benchmarks, grid.benchmarks; files that it names; data/samples.
"""

from __future__ import annotations

from pathlib import Path

from leanvlm import calibration, files, params
from leanvlm.checks.graded import refuse_graded
from leanvlm.errors import exit_on_error
from leanvlm.tables.calibration import TABLE


def main() -> None:
    """Draw, compare and write."""
    loaded = params.load(files.PARAMS)
    asked = loaded.calibration
    rows = list(calibration.draw(asked.n, seed=asked.seed, sources=asked.sources, build=loaded.benchmark))
    refuse_graded(rows, Path(), benchmarks=loaded.grid.benchmarks)
    TABLE.write(rows, files.CALIBRATION)


if __name__ == "__main__":
    exit_on_error(main)
