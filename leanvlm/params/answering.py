"""How answers are made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from leanvlm.params._bounds import Few
from leanvlm.typed import between


@dataclass(frozen=True)
class Answering:
    """How answers are made."""

    max_new_tokens: Annotated[int, between(1, 32_768)]
    dtype: str
    device: str
    workers: Few
    rows: Few
    keep_unused_cells: Annotated[int, between(0, 1_000_000)]
    features_gb: Annotated[float, between(0, 100_000)] = 10.0  # on disk; 0 keeps none
