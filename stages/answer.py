"""answer: ask each cell of the grid its samples, by the answers flow; cells that are stored are not asked again.

Writes: artifacts/answers.parquet, cells.parquet, parts.parquet and skips.parquet; cells, where `storage:` has them lie.
Reads:  data/samples, checkpoints, params.yaml: grid, models, answer, cluster, storage, judge.
"""

from __future__ import annotations

from flows.server import prefect_server
from leanvlm.errors import exit_on_error


def main() -> None:
    """Run the flow on the server that PREFECT_API_URL names, or on a temporary one, beneath the flow run that asks."""
    with prefect_server():
        from flows.answers import answers  # Prefect reads its settings when it is imported
        from flows.subflow import run_beneath

        done = run_beneath(answers)
    print(f"answers: {done['cells']} cells, {done['answered']} answered now, {done['pruned']} old ones deleted")


if __name__ == "__main__":
    exit_on_error(main)
