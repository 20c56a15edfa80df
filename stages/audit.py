"""audit: lay out what each checkpoint keeps, layer by layer, and what making it cost.

Writes: artifacts/audits.parquet, artifacts/costs.parquet.
Reads:  artifacts/checkpoints, artifacts/costs, params.yaml: grid.
"""

from __future__ import annotations

from leanvlm import files, params
from leanvlm.errors import exit_on_error
from leanvlm.pipeline import audits


def main() -> None:
    """Read what the checkpoints say of themselves, and write."""
    audits.write_tables(params.load(files.PARAMS))


if __name__ == "__main__":
    exit_on_error(main)
