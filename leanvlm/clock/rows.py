"""From measurements to rows of the tables timings, workloads and ceilings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from leanvlm.clock.ceilings import Ceilings
from leanvlm.clock.subjects import Subject
from leanvlm.clock.timers import Measured, Timer
from leanvlm.params import Params
from leanvlm.tables.timings import PHASES
from leanvlm.tables.workloads import PHASES as COUNTED

Row = dict[str, Any]


def timing_rows(params: Params, subject: Subject, found: Sequence[Measured], process: int) -> list[Row]:
    """Write a row a phase; measurements of one condition are numbered from 0."""
    numbers: dict[tuple[Any, ...], int] = {}
    rows = []
    for one in found:
        condition = _condition(params, subject, one.timer)
        key = tuple(condition.values())
        repeat = numbers[key] = numbers.get(key, -1) + 1
        rows += [
            condition
            | {"phase": phase, "process": process, "repeat": repeat}
            | {"seconds": getattr(one.mine, phase), "full_seconds": getattr(one.full, phase)}
            for phase in PHASES
        ]
    return rows


def work_rows(params: Params, subject: Subject, timers: Iterable[Timer]) -> list[Row]:
    """Count each condition once, whichever sample is its first."""
    rows = {}
    for one in timers:
        condition = _condition(params, subject, one)
        if (key := tuple(condition.values())) not in rows:
            rows[key] = _worked(condition, one)
    return [row for found in rows.values() for row in found]


def ceilings_row(params: Params, subject: Subject, limits: Ceilings, found: Sequence[Measured], process: int) -> Row:
    """Write what the device can do, and how the reference work's seconds spread."""
    low, middle, high = np.quantile([one.reference for one in found], [0, 0.5, 0.9])
    drawn = [one.watts for one in found if one.watts is not None]
    return {
        "model": subject.name,
        "device": params.answer.device,
        "dtype": subject.dtype,
        "process": process,
        "threads": params.clock.threads,
        **vars(limits),
        "reference_seconds": float(middle),
        "reference_low": float(low),
        "reference_high": float(high),
        "watts": float(np.median(drawn)) if drawn else None,
        "dollars_per_hour": params.clock.dollars_per_hour or None,
    }


def _condition(params: Params, subject: Subject, timer: Timer) -> Row:
    return {
        "model": subject.name,
        "recipe": timer.recipe.text,
        "device": params.answer.device,
        "engine": "leanvlm",
        "dtype": subject.dtype,
        "attention": "sdpa",
        "axis": timer.full.condition.axis,
        "batch_size": len(timer.full.condition.samples),
        "prompt_tokens": timer.full.tokens[0],
        "visual_tokens": timer.full.tokens[1],
        "new_tokens": timer.full.condition.new_tokens,
        "is_shape_only": subject.is_shape_only,
    }


def _worked(condition: Row, timer: Timer) -> list[Row]:
    mine, full = timer.work(), timer.full.work
    return [
        condition
        | {
            "phase": phase,
            "operations": mine.operations[index],
            "full_operations": full.operations[index],
            "moved_bytes": mine.moved_bytes[index],
            "full_moved_bytes": full.moved_bytes[index],
            "cache_bytes": mine.cache_bytes,
            "full_cache_bytes": full.cache_bytes,
            "peak_bytes": mine.peak_bytes,
            "full_peak_bytes": full.peak_bytes,
        }
        for index, phase in enumerate(COUNTED)
    ]
