"""Tables between stages whose bytes change: read as they were written, or refused by name."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from leanvlm import files
from leanvlm.tables import answers, audits, calibration, cells, costs, grades, parts, samples, skips, timings
from tests import grid as tables_of_a_grid
from tests.faults import refusal
from tests.faults.damage import damaged

TRIES = 200
TABLES = tuple(module.TABLE for module in (answers, audits, calibration, cells, costs, grades, parts, skips, timings))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tables_of_a_grid.write(tmp_path_factory.mktemp("grid"))


def test_it_is_as_it_was_or_refused(rng: random.Random, root: Path, tmp_path: Path) -> None:
    table = rng.choice((*TABLES, samples.TABLE))
    whole = root / (files.samples("short") if table is samples.TABLE else files.table(table.name))
    path = tmp_path / whole.name
    path.write_bytes(damaged(whole.read_bytes(), rng))
    said = refusal(lambda: table.read(path))
    assert said is not None or table.read(path).equals(table.read(whole))
    assert said is None or whole.name in said
