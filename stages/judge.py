"""judge: ask a judge about the answers that no rule can grade.

Writes: artifacts/judgements.parquet.
Reads:  artifacts/answers.parquet, data/samples/<benchmark>.parquet, params.yaml: grid.benchmarks, judge.
"""

from __future__ import annotations

from pathlib import Path

from leanvlm import files
from leanvlm.errors import exit_on_error
from leanvlm.params import load
from leanvlm.pipeline.judge import write_judgements


def main() -> None:
    """Ask and write."""
    params = load(files.PARAMS)
    for line in write_judgements(params, Path()):
        print(line)


if __name__ == "__main__":
    exit_on_error(main)
