"""record: note what enters a model's decoder of each calibration sample, for all weights methods at once.

Call:   python -m stages.record embedded
Writes: artifacts/entrances/<model>/.
Reads:  data/calibration.parquet, the model's checkpoint, params.yaml: models, compress.
"""

from __future__ import annotations

import sys

import torch

from leanvlm import files, params
from leanvlm.errors import InputError, exit_on_error
from leanvlm.pipeline.record import record
from leanvlm.processes.heap import give_back_freed


def main() -> None:
    """Record one model."""
    if len(sys.argv) != 2:
        raise InputError("record takes a model: python -m stages.record embedded")
    asked = params.load(files.PARAMS)
    if sys.argv[1] not in asked.models:
        raise InputError(f"no model {sys.argv[1]!r} under `models:` in params.yaml; it has {', '.join(asked.models)}")
    give_back_freed()
    torch.set_num_threads(1)  # sums, and so the stored bytes, must not depend on the machine's cores
    record(asked, sys.argv[1])


if __name__ == "__main__":
    exit_on_error(main)
