"""Values that several blocks of params.yaml take, each with its bounds.

Bounds are far above what anybody needs: they catch a slip of the keyboard before it costs hours or the memory.
"""

from __future__ import annotations

from typing import Annotated

from leanvlm.typed import BENCHMARK, NAME, SOME, Rule, between

Name = Annotated[str, NAME]
BenchmarkName = Annotated[str, BENCHMARK]
CheckpointName = Annotated[str, Rule(bool, "a folder, or owner/name[@revision] of the hub")]
Recipes = Annotated[tuple[str, ...], SOME]
Count = Annotated[int, between(1, 100_000)]
Few = Annotated[int, between(1, 1000)]
Seed = Annotated[int, between(0, 2**31 - 1)]
Dollars = Annotated[float, between(0, 10_000)]
MaxPixels = Annotated[int, Rule(lambda n: n == 0 or n >= 28 * 28, "784 or more, or left out")]
