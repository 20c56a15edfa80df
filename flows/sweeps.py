"""What a sweep is called, in the Prefect UI and where one is refused."""

from __future__ import annotations

from collections.abc import Sequence

from leanvlm.params import Params
from leanvlm.pipeline.cells import Cell


def name(params: Params, cells: Sequence[Cell]) -> str:
    """Name the checkpoint and the benchmark that the cells of a sweep share."""
    first = cells[0]
    return f"{params.folder(first.model, first.recipe).name} | {first.benchmark}"
