"""Ask a few recipes the questions of every level, in the same workers that answer the grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Any

import pyarrow as pa
from tqdm import tqdm

from leanvlm.ablation.levels import Level
from leanvlm.engine.pool import workers
from leanvlm.models._checkpoint import Checkpoint
from leanvlm.params import Answering
from leanvlm.pipeline import ask as asking
from leanvlm.tables.ablation import TABLE

Row = dict[str, Any]


def ask(
    checkpoint: Checkpoint, recipes: Sequence[str], asked: Sequence[Level], *, n: int, seed: int, answering: Answering
) -> list[Row]:
    """Return one row per recipe, level and sample, graded; the key `model` is left to the caller."""
    positions = {level: i for _, own in groupby(asked, key=_knob) for i, level in enumerate(own)}
    sizes = {"limit": answering.max_new_tokens, "rows": answering.rows}
    rows: list[Row] = []
    with workers(answering.workers) as pool:
        for level in tqdm(asked, "ablation", unit="level"):
            place = {"benchmark": level.benchmark, "knob": level.knob, "level": level.level}
            drawn = list(level.built().samples(n, seed=seed))
            said = asking.ask(pool, checkpoint, recipes, drawn, **sizes)
            rows += [{**place, "position": positions[level], **asdict(one)} for one in said]
    return rows


def _knob(level: Level) -> tuple[str, str]:
    return level.benchmark, level.knob


def table(rows: Sequence[Row]) -> pa.Table:
    """Order rows by their keys, so that the file does not depend on who answered first."""
    ordered = sorted(rows, key=lambda row: tuple(row[key] for key in TABLE.keys))
    return pa.Table.from_pylist(ordered)
