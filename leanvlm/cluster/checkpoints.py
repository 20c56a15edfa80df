"""Make one compressed checkpoint: by a worker, as the stage `compress` makes it, to the byte.

Without a bucket a worker reads and writes the checkout that it shares with the flow. With one it brings what it needs
by its hash, works in a folder of its own, and puts what it made under its hash. From there the flow's machine brings
it, and so does each worker that is to answer with it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

from leanvlm import files
from leanvlm.cluster.turn import Run, turn
from leanvlm.hashes import folder_hash
from leanvlm.params import Params
from leanvlm.pipeline.bring import bring_folder, write_folder
from leanvlm.pipeline.compress import compress
from leanvlm.pipeline.share import put
from leanvlm.storage.bucket import Bucket
from leanvlm.storage.chosen import chosen


@dataclass(frozen=True)
class Needed:
    """What all checkpoints of a model are made of, in a bucket."""

    inputs: Bucket
    source: Path  # where the flow's machine has the model's own checkpoint
    source_hash: str
    entrances_hash: str  # of what enters the decoder of each calibration sample


@dataclass(frozen=True)
class Made:
    """What a worker made and put into a bucket, and what no loader reads."""

    inputs: Bucket
    weights: str  # the hash of the checkpoint
    audit: str | None  # none where the model does not allow it
    costs: str


def share(params: Params, model: str) -> Needed | None:
    """Put what a model's checkpoints are made of into the bucket; None where workers share the checkout."""
    inputs = chosen(params.storage).inputs
    if inputs is None:
        return None
    source, entrances = params.source(model), files.entrances(model)
    put(inputs, [], [source, entrances])
    return Needed(inputs, source, folder_hash(source), folder_hash(entrances))


def make(run: Run, params: Params, needed: Needed | None, model: str, slug: str) -> Made | None:
    """Write a checkpoint and its costs, see `compress`; return where they are, if they were put into a bucket.

    Raises: OtherWorker, or as `compress`.
    """
    with turn(run):
        if needed is None:
            compress(params, model, slug)
            return None
        source = bring_folder(needed.inputs, needed.source_hash, needed.source).resolve()
        entrances = bring_folder(needed.inputs, needed.entrances_hash, files.entrances(model)).resolve()
        with _elsewhere():
            files.entrances(model).parent.mkdir(parents=True)
            files.entrances(model).symlink_to(entrances)
            own = replace(params.models[model], checkpoint=str(source))
            compress(replace(params, models={**params.models, model: own}), model, slug)
            return _put(needed.inputs, files.checkpoint(model, slug).resolve(), files.costs(model, slug))


def bring(made: Made, model: str, slug: str) -> None:
    """Write what a worker made where the stage `compress` would have."""
    with files.whole(files.checkpoint(model, slug)) as part:
        write_folder(made.inputs, made.weights, part)
        if made.audit is not None:
            files.write(made.audit, part / files.AUDIT)
    files.write(made.costs, files.costs(model, slug))


def _put(inputs: Bucket, folder: Path, costs: Path) -> Made:
    put(inputs, [], [folder])
    audit = folder / files.AUDIT
    text = audit.read_text(encoding="utf-8") if audit.is_file() else None
    return Made(inputs, folder_hash(folder), text, costs.read_text(encoding="utf-8"))


@contextmanager
def _elsewhere() -> Iterator[None]:
    """Work in an empty folder: below the worker's own, another checkout's checkpoints may lie."""
    folder = files.BROUGHT / f".making-{uuid4().hex[:8]}.{os.getpid()}@{files.HOST}.part"
    folder.mkdir(parents=True)
    try:
        with chdir(folder):
            yield
    finally:
        files.remove(folder)
