"""Answer a batch of a sweep, and make a cell of its batches: by a worker, from the shared files to the shared files.

Both may be done twice, as when a worker that was taken for dead lives on: a file appears whole, and a second one is
equal to it.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from leanvlm import files
from leanvlm.cluster.code import OtherWorker
from leanvlm.cluster.turn import Run, turn
from leanvlm.engine.features import FeatureStore
from leanvlm.engine.worker import ASKED, answer_batch, sample_ids
from leanvlm.params import Params
from leanvlm.pipeline import batches, seals
from leanvlm.pipeline.batches import Batch
from leanvlm.pipeline.cells import Cell
from leanvlm.pipeline.hashes import file_hash, folder_hash
from leanvlm.pipeline.models import checkpoint
from leanvlm.sample import Sample
from leanvlm.tables import samples
from leanvlm.tables.from_row import from_row


@dataclass(frozen=True)
class Place:
    """A batch without its pictures: what goes to a worker, which reads them itself."""

    first: int  # where its first sample stands among the benchmark's
    ids: tuple[str, ...]
    cells: tuple[Cell, ...]


def lacking(cells: Sequence[Cell], *, size: int) -> Iterator[Place]:
    """Cut what cells lack into batches, as `batches.lacking` does, without reading a picture."""
    rows = samples.TABLE.stream(files.samples(cells[0].benchmark), columns=["sample_id", "turn"])
    asked = (Sample(sample_id=row["sample_id"], turn=row["turn"], question="") for row in rows)
    for batch in batches.lacking(cells, asked, size=size):
        yield Place(batch.first, tuple(sample.sample_id for sample in batch.samples), batch.cells)


def answer(run: Run, params: Params, place: Place, features: FeatureStore | None) -> int:
    """Answer a batch and keep it; return how many samples it has.

    Raises: OtherWorker, or InputError where the model refuses a recipe.
    """
    with turn(run):
        first = place.cells[0]
        _refuse_other_files(params, first)
        weights = checkpoint(params, first.model, first.recipe)
        batch = Batch(place.first, tuple(_read(place)), place.cells)
        recipes = [cell.recipe.text for cell in place.cells]
        sizes = {"limit": params.answer.max_new_tokens, "rows": params.answer.rows}
        batches.keep(batch, answer_batch(weights, batch.samples, recipes, **sizes, features=features))
    return len(place.ids)


def join(run: Run, cell: Cell) -> int:
    """Make one cell of its batches; return how many samples the model was not asked.

    Raises: as `batches.join`.
    """
    with turn(run):
        if not cell.path.exists():
            try:
                batches.join(cell, sample_ids(cell.benchmark))
            except (LookupError, OSError):  # its batches are gone: another worker is making the same cell, or has
                if not cell.path.exists():
                    raise
        return len(seals.read(cell).column("refusal").drop_null())


def _refuse_other_files(params: Params, cell: Cell) -> None:
    """Hash what the cell's key says was hashed, once a run; files that workers do not share can be others."""
    told = dict(cell.parts)
    seen = {
        "weights": folder_hash(params.folder(cell.model, cell.recipe)),
        "samples": file_hash(files.samples(cell.benchmark)),
    }
    if differing := [name for name in seen if seen[name] != told[name]]:
        raise OtherWorker(f"{cell.name}: a worker on {socket.gethostname()} sees other {' and '.join(differing)} than "
                          "this run; share the checkout with it")  # fmt: skip


def _read(place: Place) -> Iterator[Sample]:
    """Read a batch's samples; those of a batch stand together, so nothing is read behind the last."""
    wanted = set(place.ids)
    path = files.samples(place.cells[0].benchmark)
    for row in from_row(path, place.first, columns=ASKED):
        if row["sample_id"] in wanted:
            wanted.remove(row["sample_id"])
            yield Sample(**row | {name: tuple(row[name]) for name in ("images", "stop_texts")})
        if not wanted:
            return
