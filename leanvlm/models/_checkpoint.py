"""Which weights to load, and how: what goes to a worker instead of the model itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Checkpoint:
    """The arguments of `load_model`."""

    architecture: str
    folder: Path
    dtype: str
    device: str
    device_map: str | None = None
    max_pixels: int | None = None
