"""The flow that is scheduled from the Prefect UI: `dvc repro`, whose cells show up as runs of the answers flow.

`make serve` starts a server and serves this flow; dvc.yaml stays the only place where dependencies are written.
"""

from __future__ import annotations

from prefect import flow

from leanvlm.pipeline.reproduce import run_dvc


@flow(name="reproduce", log_prints=True)
def reproduce(targets: list[str] | None = None) -> None:
    """Bring the pipeline's outputs up to date, all of them or `targets` only."""
    run_dvc(targets or [])


if __name__ == "__main__":
    reproduce.serve(name="reproduce")
