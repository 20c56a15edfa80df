"""What lies on the disk and no run of the grid needs, kind by kind, and how to delete just that.

Only what this project made is named, below artifacts/, data/, runs/ and .dvc/cache, and the cells of a bucket that
params.yaml names; what a link leads to elsewhere is left. The hub's cache (HF_HOME) is not this project's own, so it is
not looked at.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from leanvlm import files
from leanvlm.errors import InputError, RunError
from leanvlm.params import Params
from leanvlm.pipeline.cells import grid_cells
from leanvlm.pipeline.definitions import refuse_damaged, stages
from leanvlm.pipeline.dvc_lock import why_incomplete
from leanvlm.pipeline.reproduce import DVC
from leanvlm.pipeline.stored_cells import unused
from leanvlm.processes.lock import is_held
from leanvlm.storage._storage import Entry, Storage
from leanvlm.storage.chosen import chosen

OTHERWISE = "answered with other code, settings, samples or weights"
FOLDERS = (files.ARTIFACTS, Path("data"), files.RUNS, Path(".dvc/cache"))


@dataclass(frozen=True)
class Kind:
    """Things of one kind that are not needed, on this disk; a note where some are kept, and why."""

    what: str
    paths: tuple[Path, ...] = ()
    note: str = ""

    @property
    def n(self) -> int:
        """Count files and folders that are listed."""
        return len(self.paths)

    @property
    def size(self) -> int:
        """Count bytes; a file with another name elsewhere gives none back."""
        found = [path.lstat() for one in self.paths for path in _files(one)]
        return sum(status.st_size for status in found if status.st_nlink == 1)

    def delete(self) -> None:
        """Delete files and folders, and of links themselves."""
        for path in self.paths:
            try:
                path.unlink() if path.is_symlink() else files.remove(path)
            except OSError as error:
                raise RunError(f"{path} cannot be deleted ({error.strerror}); what was listed before it is "
                               "gone") from error  # fmt: skip


@dataclass(frozen=True)
class Overlays(Kind):
    """What finished runs of the Prefect UI laid over params.yaml; a run that waits for its turn holds its own."""

    def delete(self) -> None:
        """Delete those that no run has taken up meanwhile."""
        Kind(self.what, tuple(path for path in self.paths if not is_held(path))).delete()


@dataclass(frozen=True)
class Objects:
    """Cells of a bucket that are not needed; as `Kind`."""

    what: str
    storage: Storage
    entries: tuple[Entry, ...]
    note: str

    @property
    def n(self) -> int:
        """Count cells."""
        return len(self.entries)

    @property
    def size(self) -> int:
        """Count bytes."""
        return sum(entry.n_bytes for entry in self.entries)

    def delete(self) -> None:
        """Delete cells, whole or not."""
        for entry in self.entries:
            self.storage.delete(entry.name)


def kinds(params: Params) -> list[Kind | Objects]:
    """List what is not needed.

    Raises: InputError for a damaged dvc.yaml, RunError where DVC cannot say what of its cache is in use.
    """
    refuse_damaged()
    return [
        _own("checkpoints", _checkpoints(params), "that the grid does not need, with what making them cost"),
        _cells(params),
        _own("copies", files.BROUGHT.glob("[!.]*"), "that workers brought from a bucket, and bring again when needed"),
        _overlays(),
        _own("leftovers", _leftovers(), "that killed processes left half written"),
        _cache(),
    ]


def delete(found: Iterable[Kind | Objects]) -> None:
    """Delete what is listed.

    Raises: RunError naming the first that cannot be deleted.
    """
    for kind in found:
        kind.delete()


def _own(what: str, paths: Iterable[Path], note: str) -> Kind:
    """Leave what lies outside of our folders, where a link on the way leads."""
    roots = [folder.resolve() for folder in FOLDERS]
    found = sorted(set(paths))
    own = tuple(path for path in found if any(path.parent.resolve().is_relative_to(root) for root in roots))
    left = f"; {len(found) - len(own)} stay, since a link leads to them" if len(own) < len(found) else ""
    return Kind(what, own, note + left)


def _checkpoints(params: Params) -> Iterator[Path]:
    """Yield checkpoints that `compress` made for other recipes or models, unless params.yaml names one as a model."""
    needed = {files.checkpoint(model, slug) for model in params.grid.models for slug in params.weights}
    named = [Path(model.checkpoint).resolve() for model in params.models.values()]
    for folder in files.CHECKPOINTS.glob("*/*"):
        is_made = any((folder / name).is_file() for name in (files.AUDIT, files.NOT_MADE))
        if is_made and folder not in needed and not any(one.is_relative_to(folder.resolve()) for one in named):
            yield folder
            if (cost := files.costs(folder.parent.name, folder.name)).is_file():
                yield cost


def _cells(params: Params) -> Kind | Objects:
    """List stored cells that the grid does not ask for; which those are is known only once its inputs are there."""
    needed = [files.checkpoint(model, slug) for model in params.grid.models for slug in params.weights]
    inputs = [*needed, *(files.samples(name) for name in params.grid.benchmarks)]
    if absent := [path for path in inputs if not path.exists()]:
        return Kind("cells", note=f"all are kept, since {absent[0]} is not made yet, and its answers may be there")
    try:
        wanted = grid_cells(params)
    except InputError as error:  # of a model that is not here yet
        return Kind("cells", note=f"all are kept, since what the grid asks for is not known: {error}")
    storage = chosen(params.storage)
    entries = unused(storage, wanted)
    if storage.inputs is None:
        return _own("cells", [files.CELLS / entry.name for entry in entries], OTHERWISE)
    return Objects("cells", storage, tuple(entries), f"in {storage.where('')}, {OTHERWISE}, or another grid's")


def _overlays() -> Kind:
    found = _own("runs", files.RUNS.glob("[!.]*.yaml"), "of the Prefect UI, finished: what each laid over params.yaml")
    return Overlays(found.what, tuple(path for path in found.paths if not is_held(path)), found.note)


def _leftovers() -> Iterator[Path]:
    for folder in FOLDERS:
        yield from (part for part in folder.rglob(".*.part") if files.is_abandoned(part))


def _cache() -> Kind:
    """List what DVC's cache holds for no stage; all of it, to DVC, where dvc.lock was lost or cut."""
    if reason := why_incomplete(stages()):
        return Kind("DVC's cache", note=f"all is kept, since {reason}; `make repro` writes it anew")
    return _own("DVC's cache", _objects(), "that no stage has as its output now; another branch's may")


def _objects() -> list[Path]:
    """Ask DVC, which lists what `dvc gc --workspace` would delete."""
    command = [*DVC, "gc", "--workspace", "--dry", "--force"]
    environment = os.environ | {"DVC_NO_ANALYTICS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        said = " ".join(done.stderr.split())[-150:]
        raise RunError(f"DVC cannot say what of its cache is in use ({said}); mend that, and run the command again")
    start = "Removing "
    named = [Path(line.removeprefix(start)) for line in done.stdout.splitlines() if line.startswith(start)]
    return [Path(os.path.relpath(path)) for path in named if path.is_file()]


def _files(path: Path) -> Iterator[Path]:
    """Yield the files that deleting a path deletes; of a link, itself."""
    if path.is_dir() and not path.is_symlink():
        yield from (one for one in path.rglob("*") if one.is_symlink() or not one.is_dir())
    else:
        yield path
