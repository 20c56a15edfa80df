"""Two steps as exact products of matrices: what each cell's grades, and its loyal answers, sum to in each replicate.

Their SQL beside this file says the same, and is what a reader can paste; at ten million predictions its join of samples
with replicates takes minutes. Every term is a whole number and every sum stays below 2^53, so float64 holds them
exactly, in whatever order the product adds them up: the bits do not depend on threads or on the order of rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

from leanvlm.errors import RunError
from leanvlm.store import Connection

Matrix: TypeAlias = np.ndarray[Any, np.dtype[Any]]
BITS = 1024  # positions of a block
EXACT = 2.0**53
GRADES = """select benchmark, block, model, recipe, cast(is_graded as varchar) as counted, billionths
from steps.grades order by benchmark, block, model, recipe"""
SAME = """select benchmark, block, model, recipe, cast(is_answered as varchar) as counted,
cast(raw as varchar) as raw, cast(normalised as varchar) as normalised, cast(extracted as varchar) as extracted
from steps.same order by benchmark, block, model, recipe"""
TIMES = """select samples.benchmark, samples.block, draws.times
from steps.samples as samples inner join steps.draws as draws using (benchmark, picture_index)
order by samples.benchmark, samples.block, samples.position"""
RULES = ("raw", "normalised", "extracted")
CELL = ("model", "recipe", "benchmark")

Cell = tuple[str, ...]
Block = tuple[str, int]
Sums = dict[Cell, Matrix]  # shapes: (1 + totals, replicates): how often samples count, then what they sum to


def grade_sums(connection: Connection) -> pa.Table:
    """Compute steps.grade_sums from steps.grades, steps.samples and steps.draws."""
    return _table(_sums(connection, GRADES, lambda rows: [_spread(rows)]), 1, "billionths")


def same_sums(connection: Connection) -> pa.Table:
    """Compute steps.same_sums from steps.same, steps.samples and steps.draws."""
    found = _sums(connection, SAME, lambda rows: [_bits(rows, rule) for rule in RULES])
    tables = [_table(found, index, "n_same") for index in range(1, 1 + len(RULES))]
    named = zip(tables, RULES, strict=True)
    return pa.concat_tables(
        table.append_column("matching_rule", pa.array([rule] * len(table), pa.string())) for table, rule in named
    )


STEPS: dict[str, Callable[[Connection], pa.Table]] = {"_grade_sums": grade_sums, "_same_sums": same_sums}


def _sums(connection: Connection, query: str, values: Callable[[pa.Table], list[Matrix]]) -> Sums:
    """Multiply every block's values by its samples' draws, and add the blocks of each cell up."""
    drawn, found = dict(_times(connection)), Sums()
    for block, rows in _blocks(connection.sql(query).to_arrow_table()):
        n, times = len(drawn[block]), drawn[block].astype(float)  # (samples, replicates)
        totals = np.stack([matrix[:, :n] @ times for matrix in (_bits(rows, "counted"), *values(rows))], axis=1)
        for cell, total in zip(_cells(rows), totals, strict=True):
            found[cell] = found[cell] + total if cell in found else total
    if any(total.max(initial=0) >= EXACT for total in found.values()):
        raise RunError("a cell has more samples than whole numbers of float64 can sum; split the benchmark")
    return found


def _times(connection: Connection) -> Iterator[tuple[Block, Matrix]]:
    """Yield how often each sample of a block counts. Shapes: (samples, replicates), uint8."""
    for block, rows in _blocks(connection.sql(TIMES).to_arrow_table()):
        yield block, rows["times"].combine_chunks().flatten().to_numpy().reshape(len(rows), -1)


def _blocks(rows: pa.Table) -> Iterator[tuple[Block, pa.Table]]:
    """Cut rows that are in order of benchmark and block."""
    keys, start = zip(rows["benchmark"].to_pylist(), rows["block"].to_pylist(), strict=True), 0
    for key, group in groupby(keys):
        n = len(list(group))
        yield key, rows.slice(start, n)
        start += n


def _cells(rows: pa.Table) -> Iterator[Cell]:
    return zip(*(rows[name].to_pylist() for name in CELL), strict=True)


def _bits(rows: pa.Table, column: str) -> Matrix:
    """Read a column of texts of 0 and 1. Shapes: -> (cells, BITS)."""
    text = "".join(rows[column].to_pylist()).encode("ascii")
    return (np.frombuffer(text, np.uint8).reshape(len(rows), BITS) - ord("0")).astype(float)


def _spread(rows: pa.Table) -> Matrix:
    """Put each grade at its sample's position. Shapes: -> (cells, BITS)."""
    counted = _bits(rows, "counted") > 0
    spread = np.zeros(counted.shape)
    spread[counted] = rows["billionths"].combine_chunks().flatten().to_numpy()
    return spread


def _table(found: Sums, index: int, name: str) -> pa.Table:
    """Write one of the totals, a row for every replicate in which a sample of the cell counts."""
    cells = sorted(found)
    sums = np.stack([found[cell] for cell in cells]) if cells else np.zeros((0, index + 1, 0))
    replicates = sums.shape[2]
    texts = {key: np.repeat(np.array([cell[i] for cell in cells], object), replicates) for i, key in enumerate(CELL)}
    numbers = {
        "replicate": np.tile(np.arange(replicates), len(cells)),
        "n_samples": sums[:, 0].astype(np.int64).ravel(),
        name: sums[:, index].astype(np.int64).ravel(),
    }
    table = pa.table({key: pa.array(values, pa.string()) for key, values in texts.items()} | numbers)
    return table.filter(numbers["n_samples"] > 0)
