"""Add to what comes out of the decoder's first layers what a model adds there, to the tokens that nobody dropped."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor

from leanvlm.engine.prefill.dropping import Dropper


@contextmanager
def adding(layers: Any, added: tuple[Tensor, ...], dropper: Dropper | None) -> Iterator[None]:
    """Add a prompt's own rows to what comes out of the first layers for the length of a `with`.

    The model would do it itself, but only to tokens that nobody dropped.
    """

    def hook(rows: Tensor) -> Any:
        def after(_module: Any, _args: Any, states: Tensor) -> Tensor:
            return states + (rows if dropper is None else rows[dropper.kept])

        return after

    first = list(layers)[: len(added)]
    handles = [layer.register_forward_hook(hook(rows)) for layer, rows in zip(first, added, strict=True)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
