"""timings -- how long each recipe takes, measured alone and side by side with the full model.

Writes: artifacts/timings.parquet, artifacts/workloads.parquet, artifacts/ceilings.parquet.
Reads:  data/samples, checkpoints, params.yaml: grid, models, clock, answer.dtype, answer.device.
"""

from __future__ import annotations

from leanvlm import files, params
from leanvlm.errors import exit_on_error
from leanvlm.pipeline import clock


def main() -> None:
    """Time and write."""
    clock.measure(params.load(files.PARAMS))


if __name__ == "__main__":
    exit_on_error(main)
