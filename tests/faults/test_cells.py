"""Stored cells damaged, altered, relabelled, swapped or cut: read as they were written, or set aside by name."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from leanvlm import files
from leanvlm.engine.sweep import Answer
from leanvlm.pipeline import batches, seals
from leanvlm.pipeline.cells import Cell
from leanvlm.recipes import parse
from tests.faults.damage import damaged

TRIES = 200


@pytest.fixture
def pool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Cell, Cell]:
    """Two stored cells."""
    monkeypatch.chdir(tmp_path)
    made = [Cell("m", parse(text), "b", (("recipe", text),)) for text in ("controls/full", "controls/blind")]
    for cell in made:
        said = {
            str(index): Answer(f"{index}", 2, "stop", 20, 9, 1, 9.0, 80, 80, 1.0, 1.0, 1.0, 1.0, None)
            for index in range(9)
        }
        seals.write(cell, batches.table(cell, said), cell.file)
    return made[0], made[1]


def path_of(cell: Cell) -> Path:
    return files.CELLS / cell.file


def edit(change: Callable[[pa.Table, random.Random], pa.Table]) -> Callable[[Cell, Cell, random.Random], None]:
    """Rewrite a cell's file with its rows changed and its header as it was."""

    def rewrite(cell: Cell, _: Cell, rng: random.Random) -> None:
        found = pq.read_table(path_of(cell))
        pq.write_table(change(found, rng).replace_schema_metadata(found.schema.metadata), path_of(cell))

    return rewrite


def with_one(found: pa.Table, rng: random.Random) -> pa.Table:
    """Give one value of a column that another row, or nobody, has."""
    name = rng.choice(["answer", "new_tokens", "visual_tokens_kept", "sample_id", "recipe", "model", "finish_reason"])
    values = found[name].to_pylist()
    at = rng.randrange(len(values))
    values[at] = f"{values[at]}x" if isinstance(values[at], str) else values[at] + 1
    field = found.schema.field(name)
    return found.set_column(found.column_names.index(name), field, [pa.array(values, field.type)])


def relabel(cell: Cell, other: Cell, rng: random.Random) -> None:
    """Change the header only."""
    found = pq.read_table(path_of(cell))
    told = dict(found.schema.metadata)
    key = rng.choice([key for key in told if key.startswith(b"leanvlm.")])
    told[key] = rng.choice(
        [b"", b"[]", b"{}", told[key] + b" ", pq.read_schema(path_of(other)).metadata[b"leanvlm.parts"]]
    )
    pq.write_table(found.replace_schema_metadata(told), path_of(cell))


FAULTS: tuple[Callable[[Cell, Cell, random.Random], object], ...] = (
    *[lambda cell, _, rng: path_of(cell).write_bytes(damaged(path_of(cell).read_bytes(), rng))] * 3,
    lambda cell, other, _: path_of(cell).write_bytes(path_of(other).read_bytes()),
    relabel,
    edit(with_one),
    edit(lambda found, rng: found.slice(rng.randint(1, 9))),
    edit(lambda found, rng: pa.concat_tables([found, found.slice(rng.randrange(9), 1)])),
    edit(lambda found, _: found.select(found.column_names[::-1])),
    edit(lambda found, _: found.take(list(range(8, -1, -1)))),
)


def test_it_is_as_it_was_or_set_aside(rng: random.Random, pool: tuple[Cell, Cell]) -> None:
    cell, other = pool
    whole = seals.read(cell)
    rng.choice(FAULTS)(cell, other, rng)
    spoilt = path_of(cell).read_bytes()
    said = list(seals.set_aside([cell, other]))
    if said:
        assert said[0].startswith(f"{cell.name}: the stored cell ")
        assert path_of(cell).with_name(f"{path_of(cell).name}.set-aside").read_bytes() == spoilt
        assert not path_of(cell).exists()
    else:
        assert seals.read(cell).equals(whole)
    assert len(said) <= 1
    seals.read(other)
