"""Put into a bucket what workers on other machines need, such as samples and checkpoints, under their hashes.

A file lies there once, whatever it is called here: `inputs/HASH`. Which files a checkpoint is made of says
`inputs/HASH.json`, which is put after them: who finds it finds all of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from leanvlm import files
from leanvlm.hashes import file_hash, folder_hash, listing
from leanvlm.params import Params
from leanvlm.pipeline.cells import Cell
from leanvlm.storage.bucket import Bucket

GB = 1e9


def share(params: Params, cells: Sequence[Cell]) -> None:
    """Put the samples and checkpoints of cells into their bucket, those that it lacks; nothing where there is none."""
    for inputs in {inputs for cell in cells if (inputs := cell.storage.inputs) is not None}:
        own = [cell for cell in cells if cell.storage.inputs == inputs]
        asked = sorted({files.samples(cell.benchmark) for cell in own})
        put(inputs, asked, sorted({params.folder(cell.model, cell.recipe) for cell in own}))


def put(inputs: Bucket, paths: Sequence[Path], folders: Sequence[Path]) -> None:
    """Put files and whole folders into a bucket, those that it lacks, and say how much that was."""
    known = {entry.name for entry in inputs.entries()}
    sizes = [_put_file(inputs, path, known) for path in paths]
    sizes += [size for folder in folders for size in _put_folder(inputs, folder, known)]
    if any(sizes):
        n, size = sum(map(bool, sizes)), f"{sum(sizes) / GB:.3g} GB"
        print(f"{n} files that workers read ({size}) were put into {inputs.where('')}")


def _put_file(inputs: Bucket, path: Path, known: set[str]) -> int:
    """Put a file under its hash; return how many bytes went, 0 where it was there."""
    hashed = file_hash(path)
    was_first = hashed not in known and inputs.put(hashed, path)
    known.add(hashed)
    return path.stat().st_size if was_first else 0


def _put_folder(inputs: Bucket, folder: Path, known: set[str]) -> Iterator[int]:
    """Put a checkpoint's files, then their listing under the hash of the folder; yield how many bytes went."""
    found = listing(folder)
    for name in found:
        yield _put_file(inputs, folder / name, known)
    name = f"{folder_hash(folder)}.json"
    if name not in known:
        inputs.write(name, lambda path: files.write(json.dumps(found, indent=1) + "\n", path))
