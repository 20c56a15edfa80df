"""grade: say what every answer is worth.

Writes: artifacts/grades.parquet.
Reads:  artifacts/answers.parquet, artifacts/judgements.parquet, data/samples/<benchmark>.parquet,
        params.yaml: grid.benchmarks.
"""

from __future__ import annotations

from pathlib import Path

from leanvlm import files, grading, params, store
from leanvlm.errors import exit_on_error
from leanvlm.tables import answers, grades, judgements, samples


def main() -> None:
    """Grade and write."""
    root, benchmarks = Path(), params.load(files.PARAMS).grid.benchmarks
    said = store.read(root, answers.TABLE, benchmarks=benchmarks)
    asked = store.read(root, samples.TABLE, benchmarks=benchmarks)
    judged = store.read(root, judgements.TABLE, benchmarks=benchmarks)
    grades.TABLE.write(grading.grade(said, asked, judged), root / files.table("grades"))


if __name__ == "__main__":
    exit_on_error(main)
