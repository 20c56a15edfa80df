"""Who grades where no rule can."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

from leanvlm.endpoints import is_endpoint, is_loopback
from leanvlm.params._bounds import CheckpointName, Dollars, Few, MaxPixels
from leanvlm.typed import Rule, between

VARIABLE = Rule(re.compile(r"|[A-Za-z_][A-Za-z0-9_]{,99}").fullmatch, "a variable of the environment, not the key")


@dataclass(frozen=True)
class Judge:
    """Who says what an answer is worth where no rule can: a model behind an endpoint, and what it may cost."""

    endpoint: Annotated[str, Rule(is_endpoint, "https://host/path or http://host/path, and no user or query in it")]
    model: Annotated[str, Rule(bool, "the model's name at the endpoint")]
    dollars_per_million_in: Dollars  # tokens
    dollars_per_million_out: Dollars
    most_dollars: Annotated[float, between(0, 1_000_000)]  # of all replies that the grid needs
    key_variable: Annotated[str, VARIABLE] = ""  # of the environment, which holds the key; none where none is needed
    tokens_per_picture: Annotated[int, between(0, 1_000_000)] = 1500  # at most, as the endpoint counts them
    workers: Few = 4  # calls that wait for their reply side by side
    timeout_seconds: Annotated[float, between(0.1, 3600)] = 120.0  # of one call

    @property
    def is_here(self) -> bool:
        """Tell whether the endpoint is on this machine, where no proxy stands between."""
        return is_loopback(self.endpoint)


@dataclass(frozen=True)
class LocalJudge:
    """Who says what an answer is worth where no rule can: a checkpoint on this machine, which costs nothing."""

    checkpoint: CheckpointName
    dtype: str = "float32"
    device: str = "cpu"
    max_pixels: MaxPixels = 0  # of a picture

    @property
    def endpoint(self) -> str:
        """Say where it is asked, as the table judgements does."""
        return f"this machine, {self.device}, {self.dtype}"

    @property
    def model(self) -> str:
        """Name it, as the table judgements does."""
        return self.checkpoint
