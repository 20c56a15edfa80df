"""calibration: draw the training questions that weights methods look at.

Writes: data/calibration.parquet.
Reads:  params.yaml: calibration.
"""

from __future__ import annotations

from leanvlm import files, params
from leanvlm.errors import exit_on_error
from leanvlm.pipeline import calibration
from leanvlm.tables.calibration import TABLE


def main() -> None:
    """Draw and write."""
    asked = params.load(files.PARAMS).calibration
    rows = calibration.draw(asked.n, seed=asked.seed, sources=asked.sources)
    TABLE.write(list(rows), files.CALIBRATION)


if __name__ == "__main__":
    exit_on_error(main)
