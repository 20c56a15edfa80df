"""clock: time each recipe, alone and in turns with the full model, and measure what the device can do.

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
