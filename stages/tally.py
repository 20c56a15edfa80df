"""tally: compute every metric with SQL.

Writes: artifacts/metrics/<metric>.parquet, artifacts/leanvlm.duckdb.
Reads:  every table, leanvlm/metrics/*.sql, params.yaml: grid.benchmarks, tally.
"""

from __future__ import annotations

from pathlib import Path

from leanvlm import files, params
from leanvlm.errors import exit_on_error
from leanvlm.metrics import tally


def main() -> None:
    """Compute and write."""
    asked = params.load(files.PARAMS)
    tally.tally(Path(), benchmarks=asked.grid.benchmarks, resamples=asked.tally.resamples, seed=asked.tally.seed)


if __name__ == "__main__":
    exit_on_error(main)
