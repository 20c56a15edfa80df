"""Tables with a row lost or doubled, or a value that none can be: refused when written, or named by the gate."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from leanvlm import files
from leanvlm.checks import gate
from leanvlm.errors import RunError
from leanvlm.tables import answers, audits, calibration, cells, costs, grades, parts, samples, timings
from leanvlm.tables._table import Table
from tests import grid as tables_of_a_grid

# Great Expectations imports deprecated modules of the standard library
pytestmark = pytest.mark.filterwarnings("ignore:module 'sre_.*' is deprecated:DeprecationWarning")

TRIES = 60
TABLES = tuple(module.TABLE for module in (answers, audits, calibration, cells, costs, grades, parts, samples, timings))
LOSABLE = ("answers", "grades", "timings", "audits", "cells", "parts")  # of which each row is needed beside another
Rows = list[dict[str, Any]]


def path_of(table: Table) -> Path:
    return files.samples("short") if table is samples.TABLE else files.table(table.name)


def twice(rows: Rows, _: Table, rng: random.Random) -> None:
    rows.append(dict(rng.choice(rows)))


def lost(rows: Rows, table: Table, rng: random.Random) -> None:
    if table.name in LOSABLE:
        rows.pop(rng.randrange(len(rows)))
    else:
        rows.clear()


def nameless(rows: Rows, table: Table, rng: random.Random) -> None:
    texts = [name for name in table.keys if table.schema.field(name).type == pa.string()]
    rng.choice(rows)[rng.choice(texts)] = rng.choice(["", " "])


def no_number(rows: Rows, table: Table, rng: random.Random) -> None:
    numbers = [one.name for one in table.schema if pa.types.is_floating(one.type) or pa.types.is_integer(one.type)]
    if not numbers:
        twice(rows, table, rng)
        return
    name = rng.choice(numbers)
    is_float = pa.types.is_floating(table.schema.field(name).type)
    rng.choice(rows)[name] = rng.choice([float("nan"), float("inf"), -1.0] if is_float else [-1])


FAULTS: tuple[Callable[[Rows, Table, random.Random], None], ...] = (twice, lost, nameless, no_number)


def test_it_is_refused_or_named(rng: random.Random, tmp_path: Path) -> None:
    grid, table = tables_of_a_grid.write(tmp_path), rng.choice(TABLES)
    rows = table.read(grid / path_of(table)).to_pylist()
    rng.choice(FAULTS)(rows, table, rng)
    try:
        table.write(pa.Table.from_pylist(rows, schema=table.schema), grid / path_of(table))
        gate.refuse_failures(gate.check(grid, benchmarks=tables_of_a_grid.BENCHMARKS))
    except RunError as error:
        assert table.name in str(error) or "coverage" in str(error) or "counts" in str(error)  # noqa: PT017
    else:
        pytest.fail(f"{table.name} passed")
