"""The models: where their checkpoints lie, how they are compressed, and how the embedded one was trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from leanvlm.params._bounds import CheckpointName, Count, MaxPixels, Seed
from leanvlm.typed import SOME, Rule, between

Sources = Annotated[tuple[Annotated[str, Rule(bool, "a benchmark, or a path")], ...], SOME]
TrainingSeed = Annotated[int, between(0, 9_999_999)]  # graded samples are drawn from the next one on
Minutes = Annotated[float, between(0, 10_000)]


@dataclass(frozen=True)
class Checkpoint:
    """One model: where its checkpoint lies, and what is special about asking it."""

    checkpoint: CheckpointName
    architecture: str = ""  # a file of leanvlm/models; config.json says it where this does not
    dtype: str = ""  # else answer.dtype
    device_map: str = ""  # else answer.device; "auto" spreads the layers over the GPUs that are there
    max_pixels: MaxPixels = 0  # of a picture


@dataclass(frozen=True)
class Calibration:
    """How many training questions weights methods look at, which draw, and of which benchmarks or files, in turn."""

    n: Count
    seed: TrainingSeed
    sources: Sources


@dataclass(frozen=True)
class Compressing:
    """Where a layer computes while a weights method looks at it, and in which dtype; scores are in float32."""

    device: str
    dtype: str


@dataclass(frozen=True)
class Train:
    """How the embedded model was trained: minutes of each lesson on two busy cores."""

    seed: Seed
    tower_minutes: Minutes
    finding_minutes: Minutes
    decoder_minutes: Minutes
    projector_minutes: Minutes
    together_minutes: Minutes
    relating_minutes: Minutes
    last_minutes: Minutes
