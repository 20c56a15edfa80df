"""StreamingLLM on ten tokens: both ends, and the last one whatever the budget."""

from __future__ import annotations

import pytest

from leanvlm.methods._method import top
from leanvlm.methods.cache.streaming import Method
from tests.methods.fixtures import signals


@pytest.mark.parametrize(
    ("budget", "options", "kept"),
    [
        (0.6, {}, [0, 1, 2, 3, 8, 9]),  # the paper: four sinks, then recency
        (0.4, {}, [0, 1, 2, 9]),  # sinks give way to the last position
        (0.1, {}, [9]),
        (0.4, {"sink_share": 0.9}, [0, 1, 2, 9]),  # EffiVLM-Bench: 90 % of the budget at the start
        (0.8, {"sinks": 2}, [0, 1, 4, 5, 6, 7, 8, 9]),
    ],
)
def test_kept_positions(budget: float, options: dict[str, float], kept: list[int]) -> None:
    method = Method(budget=budget, **options)  # type: ignore[arg-type]
    (n,) = method.allocate([signals()])
    assert top(method.score(signals(), n), n)[0].tolist() == [kept, kept]
