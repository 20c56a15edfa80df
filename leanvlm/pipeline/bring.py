"""Bring samples and checkpoints from a bucket to the machine of a worker: each once, whole, and with the hash it had.

They lie in artifacts/brought, below the folder that the worker runs in, under their hashes. What lies there, or where
params.yaml says it does, is looked at before it is used: a file that was altered is brought anew.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path

from leanvlm import files
from leanvlm.engine.sweep import Answer
from leanvlm.engine.vision.features import FeatureStore
from leanvlm.engine.worker import answer_batch
from leanvlm.errors import RunError
from leanvlm.hashes import fresh_hash, listing, listing_hash
from leanvlm.models._checkpoint import Checkpoint
from leanvlm.pipeline.cells import Cell
from leanvlm.sample import Sample
from leanvlm.storage.bucket import Bucket


def answer_brought(
    cell: Cell,
    named: Checkpoint,
    batch: Sequence[Sample],
    recipes: Sequence[str],
    *,
    limit: int,
    rows: int,
    features: FeatureStore | None = None,
) -> list[tuple[str, str, Answer]]:
    """Answer some samples of cells that share a checkpoint, see `answer_batch`; `cell` is one of them."""
    return answer_batch(bring_checkpoint(cell, named), batch, recipes, limit=limit, rows=rows, features=features)


def bring_checkpoint(cell: Cell, named: Checkpoint) -> Checkpoint:
    """Say where on this machine the weights lie that a cell's key is made of, and bring them if they do not.

    Takes: named, the checkpoint as params.yaml names it; its folder need not be here.
    """
    inputs = cell.storage.inputs
    if inputs is None:
        return named
    return replace(named, folder=bring_folder(inputs, dict(cell.key_parts)["weights"], named.folder))


def bring_samples(cell: Cell) -> Path:
    """Say where on this machine the samples lie that a cell's key is made of, and bring them if they do not."""
    inputs, path = cell.storage.inputs, files.samples(cell.benchmark)
    return path if inputs is None else _file(inputs, dict(cell.key_parts)["samples"], path)


@cache  # looked at once in a process: hashing 15 GB takes half a minute
def bring_folder(inputs: Bucket, hashed: str, named: Path) -> Path:
    """Say where on this machine a folder of a hash lies, and bring it if it does not; `named` is where it may."""
    if named.is_dir() and listing_hash(listing(named)) == hashed:
        return named
    folder = files.BROUGHT / hashed
    with _alone(hashed):
        if not folder.is_dir() or listing_hash(listing(folder)) != hashed:
            with files.whole(folder) as part:
                write_folder(inputs, hashed, part)
    return folder


@cache
def _file(inputs: Bucket, hashed: str, named: Path) -> Path:
    if named.is_file() and fresh_hash(named) == hashed:
        return named
    path = files.BROUGHT / hashed
    with _alone(hashed):
        if not path.is_file() or fresh_hash(path) != hashed:
            with files.whole(path) as part:
                _write_file(inputs, hashed, part)
    return path


def write_folder(inputs: Bucket, hashed: str, part: Path) -> None:
    """Write all files of a folder of the bucket below another.

    Raises: RunError where one is not what was put.
    """
    name = f"{hashed}.json"
    with inputs.reading(name) as path:
        found = _listed(path)
    if listing_hash(found) != hashed:
        raise _set_aside(inputs, name)
    for one, (_, own) in found.items():
        (part / one).parent.mkdir(parents=True, exist_ok=True)
        _write_file(inputs, own, part / one)


def _listed(path: Path) -> dict[str, tuple[int, str]]:
    """Read a listing; nothing of one that is none. A name in it that leads elsewhere has another hash."""
    try:
        return {name: (int(size), str(own)) for name, (size, own) in json.loads(path.read_bytes()).items()}
    except (ValueError, AttributeError, TypeError):
        return {}


def _write_file(inputs: Bucket, hashed: str, path: Path) -> None:
    """Write a file of the bucket; raises as `write_folder`."""
    inputs.bring(hashed, path)
    if fresh_hash(path) != hashed:
        raise _set_aside(inputs, hashed)


def _set_aside(inputs: Bucket, name: str) -> RunError:
    """Make room for what was put there once, and say so."""
    aside = inputs.set_aside(name)
    return RunError(
        f"{inputs.where(name)} was altered after it was put; it is now {aside}: run again, which puts it anew"
    )


@contextmanager
def _alone(hashed: str) -> Iterator[None]:
    """Let one process of this machine at a time bring a thing; the others find it there."""
    files.BROUGHT.mkdir(parents=True, exist_ok=True)
    with (files.BROUGHT / f".{hashed}.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
