"""timings -- how long each recipe takes, measured alone and side by side with the full model.

Writes: artifacts/timings.parquet.
Reads:  data/samples, checkpoints, params.yaml: grid, models, clock, answer.dtype, answer.device.
"""

from __future__ import annotations

import torch

from leanvlm import files, params
from leanvlm.errors import exit_on_error
from leanvlm.pipeline import clock
from leanvlm.tables.timings import TABLE


def main() -> None:
    """Time and write."""
    asked = params.load(files.PARAMS)
    torch.set_num_threads(asked.clock.threads)
    TABLE.write(clock.rows(asked), files.table("timings"))


if __name__ == "__main__":
    exit_on_error(main)
