"""Make one compressed checkpoint: by a worker, as the stage `compress` makes it, to the byte."""

from __future__ import annotations

from leanvlm.cluster.turn import Run, turn
from leanvlm.params import Params
from leanvlm.pipeline.compress import compress


def make(run: Run, params: Params, model: str, slug: str) -> None:
    """Write a checkpoint and its costs; see `compress`.

    Raises: OtherWorker, or as `compress`.
    """
    with turn(run):
        compress(params, model, slug)
