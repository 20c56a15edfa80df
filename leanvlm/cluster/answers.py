"""Answer a batch of a sweep, and make a cell of its batches: by a worker, from and to shared files, or a bucket.

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
from leanvlm.engine.vision.features import FeatureStore
from leanvlm.engine.worker import ASKED, answer_batch
from leanvlm.hashes import file_hash, folder_hash
from leanvlm.models._checkpoint import Checkpoint
from leanvlm.params import Params
from leanvlm.pipeline import batches, seals
from leanvlm.pipeline.batches import Batch
from leanvlm.pipeline.bring import bring_checkpoint, bring_samples
from leanvlm.pipeline.cells import Cell
from leanvlm.pipeline.models import checkpoint
from leanvlm.pipeline.stored_cells import not_stored
from leanvlm.sample import Sample
from leanvlm.tables import samples
from leanvlm.tables.from_row import from_row


@dataclass(frozen=True)
class Place:
    """A batch without its pictures: what goes to a worker, which reads them itself."""

    first: int  # where its first sample stands among the benchmark's
    ids: tuple[str, ...]
    cells: tuple[Cell, ...]
    weights: Checkpoint  # as the run names it


def lacking(cells: Sequence[Cell], weights: Checkpoint, *, size: int) -> Iterator[Place]:
    """Cut what cells lack into batches, as `batches.lacking` does, without reading a picture."""
    rows = samples.TABLE.stream(files.samples(cells[0].benchmark), columns=["sample_id", "turn"])
    asked = (Sample(sample_id=row["sample_id"], turn=row["turn"], question="") for row in rows)
    for batch in batches.lacking(cells, asked, size=size):
        yield Place(batch.first, tuple(sample.sample_id for sample in batch.samples), batch.cells, weights)


def answer(run: Run, params: Params, place: Place, features: FeatureStore | None) -> int:
    """Answer a batch and keep it; return how many samples it has.

    Raises: OtherWorker, or InputError where the model refuses a recipe.
    """
    with turn(run):
        weights = _weights(params, place)
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
        if not_stored([cell]):
            ids = samples.TABLE.read(bring_samples(cell), columns=["sample_id"])["sample_id"].to_pylist()
            try:
                batches.join(cell, ids)
            except OSError:  # its batches are gone: another worker is making the same cell, or has
                if not_stored([cell]):
                    raise
        return len(seals.read(cell).column("refusal").drop_null())


def _weights(params: Params, place: Place) -> Checkpoint:
    """Say where the weights lie: in a bucket's copy on this machine, else where this machine has what the run has."""
    cell = place.cells[0]
    if cell.storage.inputs is not None:
        return bring_checkpoint(cell, place.weights)
    _refuse_other_files(params, cell)
    return checkpoint(params, cell.model, cell.recipe)


def _refuse_other_files(params: Params, cell: Cell) -> None:
    """Hash what the cell's key says was hashed, once a run; files that workers do not share can be others."""
    told = dict(cell.key_parts)
    seen = {
        "weights": folder_hash(params.folder(cell.model, cell.recipe)),
        "samples": file_hash(files.samples(cell.benchmark)),
    }
    if differing := [name for name in seen if seen[name] != told[name]]:
        raise OtherWorker(f"{cell.name}: a worker on {socket.gethostname()} sees other {' and '.join(differing)} than "
                          "this run; share the checkout with it, or "
                          "name a bucket under `storage:`")  # fmt: skip


def _read(place: Place) -> Iterator[Sample]:
    """Read a batch's samples; those of a batch stand together, so nothing is read behind the last."""
    wanted = set(place.ids)
    for row in from_row(bring_samples(place.cells[0]), place.first, columns=ASKED):
        if row["sample_id"] in wanted:
            wanted.remove(row["sample_id"])
            yield Sample(**row | {name: tuple(row[name]) for name in ("images", "stop_texts")})
        if not wanted:
            return
