"""One process of the clock: every recipe beside the full model, in rounds over all of them.

python -m leanvlm.clock.process NUMBER FOLDER writes a part of each table.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import torch
from tqdm import tqdm

from leanvlm import files, params
from leanvlm.clock.ceilings import measure
from leanvlm.clock.conditions import Condition, along_axes, singles
from leanvlm.clock.rows import ceilings_row, timing_rows, work_rows
from leanvlm.clock.steadiness import Reference
from leanvlm.clock.subjects import Subject, subjects
from leanvlm.clock.timers import Measured, Timer, Witness, rounds, warm_up
from leanvlm.engine.conversations import conversations
from leanvlm.engine.worker import read_samples
from leanvlm.errors import InputError, exit_on_error
from leanvlm.models._network import DTYPES
from leanvlm.params import Params
from leanvlm.pipeline.clock import TABLES, part_of
from leanvlm.sample import Sample


def main() -> None:
    """Time all subjects once and write the parts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("process", type=int)
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    asked = params.load(files.PARAMS)
    torch.set_num_threads(asked.clock.threads)
    parts = [time_subject(asked, subject, given.process) for subject in subjects(asked)]
    for table in TABLES:
        rows = [row for part in parts for row in part[table.name]]
        table.write(rows, part_of(table, given.process, given.folder))


def time_subject(params: Params, subject: Subject, process: int) -> dict[str, list[dict[str, object]]]:
    """Return the rows of one model, by table."""
    device = torch.device(params.answer.device)
    reference, limits = Reference(device), measure(device, DTYPES[subject.dtype])
    found: list[Measured] = []
    workloads = []
    for timers in _timers(params, subject):
        if process == 0:  # work is the same in all; to count it is to run everything once, and warms up
            workloads += work_rows(params, subject, timers)
        else:
            warm_up(timers)
        n = len(timers) * params.clock.repeats
        measured = rounds(timers, reference, repeats=params.clock.repeats, first=process)
        title = f"{subject.name} timings {process + 1}/{params.clock.processes}"
        found += tqdm(measured, title, n, unit="pair")
    return {
        "timings": timing_rows(params, subject, found, process),
        "workloads": workloads,
        "ceilings": [ceilings_row(params, subject, limits, found, process)],
    }


def _timers(params: Params, subject: Subject) -> Iterator[list[Timer]]:
    """Make the timers of one checkpoint after the other, each held beside the full model."""
    samples, full = samples_of(params), subject.full()
    alone = [Witness(full, one) for one in singles(samples, params.clock.new_tokens)]
    changed = [Witness(full, one) for one in conditions(params, samples)]
    texts = params.clock.axes.texts if params.clock.axes else set()
    for load, recipes in subject.groups:
        model = load() if load else full
        yield [
            Timer(model, recipe, witness)
            for recipe in recipes
            for witness in (*alone, *(changed if recipe.text in texts else ()))
        ]


def samples_of(params: Params) -> list[Sample]:
    """Take the first samples of the clock's benchmark: single prompts, of a conversation its first turn.

    Raises: InputError where it has none.
    """
    first_turns = (turns[0] for turns in conversations(read_samples(params.clock.benchmark)))
    samples = list(islice(first_turns, params.clock.samples))
    if not samples:
        raise InputError(f"clock.benchmark is {params.clock.benchmark!r}, which has no samples here; name another")
    return samples


def conditions(params: Params, samples: Sequence[Sample]) -> Iterator[Condition]:
    """List what some recipes are timed under besides single prompts, if anything."""
    clock, axes = params.clock, params.clock.axes
    if axes is None:
        return iter(())
    return along_axes(
        samples,
        clock.new_tokens,
        batch_sizes=axes.batch_sizes,
        lengths=axes.new_tokens,
        pictures=axes.pictures,
        sides=axes.sides,
    )


if __name__ == "__main__":
    exit_on_error(main)
