"""What a run would do, before it is paid for: files to fetch and to make, cells, skips, and hours by measured rates."""

from __future__ import annotations

import json
import math
import time
from collections import Counter
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from leanvlm import files
from leanvlm.engine.conversations import conversations
from leanvlm.engine.worker import answer_batch, read_samples, sample_ids
from leanvlm.errors import InputError
from leanvlm.hashes import listing
from leanvlm.judging._needed import every_answer
from leanvlm.judging._plan import most
from leanvlm.models._hub import is_id, size_of
from leanvlm.params import Params
from leanvlm.params.judges import Judge, LocalJudge
from leanvlm.pipeline.cells import Cell, by_sweep, grid_cells, grid_skips
from leanvlm.pipeline.models import checkpoint
from leanvlm.pipeline.stored_cells import stored
from leanvlm.pipeline.widths import width_refusal
from leanvlm.recipes import parse
from leanvlm.storage.chosen import chosen

MEASURED = 2  # samples that a sweep is tried with, or conversations
GB = 1e9


@dataclass(frozen=True)
class Step:
    """One thing that a run would do, in how much of what unit; None where it is not known."""

    model: str
    what: str
    amount: float | None
    unit: str
    note: str = ""


def steps(params: Params, *, measure: bool) -> Iterator[Step]:
    """Yield what a run would do, model by model.

    Takes: measure, whether a few samples are asked to learn how long all take; what was learnt is kept.
    """
    for model in params.grid.models:
        yield _fetching(params, model)
    try:
        cells, skips = grid_cells(params), grid_skips(params)
    except InputError as error:  # of a model that is not here yet
        yield Step("", "cells", None, "cells", str(error))
        return
    lying = stored(chosen(params.storage))
    for model in params.grid.models:
        own = [cell for cell in cells if cell.model == model]
        missing = [cell for cell in own if cell.file not in lying]
        yield from _making(params, model)
        yield Step(model, "cells stored", len(own) - len(missing), "cells")
        yield Step(model, "cells to answer", len(missing), "cells", _part(missing, lying))
        reasons = Counter(skip.reason for skip in skips if skip.model == model)
        yield from (Step(model, "cells skipped", n, "cells", reason) for reason, n in reasons.items())
        yield _answering(params, model, missing, measure=measure)
    if params.judge:
        yield from _judging(params, params.judge, cells)


def _fetching(params: Params, model: str) -> Step:
    name = params.models[model].checkpoint
    if not is_id(name):
        return Step(model, "to fetch", 0, "GB", f"lies in {name}")
    try:
        folder = params.source(model)
    except InputError:
        size = size_of(name)
        return Step(model, "to fetch", None if size is None else size / GB, "GB", "of the hub, into HF_HOME")
    size = sum(size for size, _ in listing(folder).values())
    return Step(model, "to fetch", 0, "GB", f"{size / GB:.2f} GB are in the hub's cache")


def _making(params: Params, model: str) -> Iterator[Step]:
    """Say how many checkpoints there are to make; a pruned one is as large as the model in 16 bits."""
    wanted = [slug for slug, text in params.weights.items() if width_refusal(params, model, parse(text)) is None]
    absent = [slug for slug in wanted if not (files.checkpoint(model, slug) / files.AUDIT).is_file()]
    size = sum(size for name, (size, _) in listing(params.source(model)).items() if name.endswith(".safetensors"))
    yield Step(model, "checkpoints to make", len(absent), "checkpoints", ", ".join(absent))
    yield Step(model, "to store", len(absent) * size / GB, "GB", "at most, for checkpoints")


def _part(missing: Sequence[Cell], lying: Container[str]) -> str:
    n = sum(cell.batches in lying for cell in missing)
    return f"{n} of them are answered in part" if n else ""


def _answering(params: Params, model: str, missing: Sequence[Cell], *, measure: bool) -> Step:
    known, seconds = _known(), 0.0
    for group in by_sweep(params, missing):
        key = _key(params, group)
        if key not in known and measure:
            known[key] = _measured(params, group)
            files.write(json.dumps(known, indent=1, sort_keys=True) + "\n", files.RATES)
        if key not in known:
            note = f"never measured; `leanvlm plan --measure` asks {MEASURED} samples"
            return Step(model, "answering", None, "hours", note)
        seconds += known[key] * len(sample_ids(group[0].benchmark)) / params.answer.workers
    return Step(model, "answering", seconds / 3600, "hours", f"by {MEASURED} samples of each sweep, on this machine")


def _judging(params: Params, judge: Judge | LocalJudge, cells: Sequence[Cell]) -> Iterator[Step]:
    """Say how much a judge can be asked; equal answers, and those judged before, cost nothing and are not known yet."""
    n_cells = Counter(cell.benchmark for cell in cells)
    if isinstance(judge, LocalJudge):
        calls = sum(n * sum(1 for _ in every_answer(Path(), name)) for name, n in n_cells.items())
        yield Step("", "to judge", calls, "answers", f"at most, by {judge.model}, on {judge.endpoint}")
        return
    each = {name: most(judge, Path(), name, max_new_tokens=params.answer.max_new_tokens) for name in n_cells}
    calls = sum(n * each[name][0] for name, n in n_cells.items())
    dollars = sum(n * each[name][1] for name, n in n_cells.items())
    yield Step("", "to judge", calls, "answers", f"at most, by {judge.model}")
    yield Step("", "judging", dollars, "dollars", f"at most; judge.most_dollars ends it at {judge.most_dollars:g}")


def _key(params: Params, group: Sequence[Cell]) -> str:
    """Name what a sweep's rate depends on: how it is asked, of what, with which recipes."""
    weights = checkpoint(params, group[0].model, group[0].recipe)
    asked = [str(value) for value in vars(weights).values()]
    answering = [params.answer.max_new_tokens, params.answer.rows]
    return json.dumps([asked, answering, group[0].benchmark, [cell.recipe.text for cell in group]])


def _known() -> dict[str, float]:
    """Read the rates that were measured; what cannot be read is measured anew."""
    try:
        found = dict(json.loads(files.RATES.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, RecursionError):
        return {}
    return {key: rate for key, rate in found.items() if isinstance(rate, float) and 0 < rate < math.inf}


def _measured(params: Params, group: Sequence[Cell]) -> float:
    """Ask a few samples, the model loaded and warm, and return the seconds of one."""
    weights = checkpoint(params, group[0].model, group[0].recipe)
    first, *others = islice(conversations(read_samples(group[0].benchmark)), 1 + MEASURED)
    recipes, limit = [cell.recipe.text for cell in group], params.answer.max_new_tokens
    answer_batch(weights, first, recipes[:1], limit=limit, rows=1)
    asked, started = [sample for turns in others or [first] for sample in turns], time.perf_counter()
    answer_batch(weights, asked, recipes, limit=limit, rows=params.answer.rows)
    return (time.perf_counter() - started) / len(asked)
