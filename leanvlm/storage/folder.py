"""A folder of this machine, where cells lie unless params.yaml names a bucket."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from leanvlm import files
from leanvlm.storage._storage import ASIDE, Entry

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem


@dataclass(frozen=True)
class Folder:
    """Files below a folder; see `Storage`."""

    root: Path

    @property
    def inputs(self) -> None:
        """Nothing has to be brought to workers of this machine."""
        return

    def where(self, name: str) -> str:
        """Spell the path."""
        return (self.root / name).as_posix()

    def entries(self, under: str = "") -> list[Entry]:
        """List files below a folder."""
        found = ((path, path.stat()) for path in (self.root / under).rglob("*") if path.is_file())
        return [Entry(path.relative_to(self.root).as_posix(), at.st_mtime_ns, at.st_size) for path, at in found]

    def write(self, name: str, make: Callable[[Path], None]) -> bool:
        """Write a file where it will lie."""
        path = self.root / name
        was_first = not path.exists()
        make(path)
        return was_first

    @contextmanager
    def reading(self, name: str) -> Iterator[Path]:
        """Give the file itself."""
        yield self.root / name

    def delete(self, name: str) -> None:
        """Delete a file or a folder."""
        files.remove(self.root / name)

    def arrow(self) -> tuple[FileSystem, str]:
        """Open the folder for pyarrow."""
        from pyarrow.fs import LocalFileSystem

        return LocalFileSystem(), f"{self.root.as_posix()}/"

    def set_aside(self, name: str) -> str:
        """Rename a file."""
        (self.root / name).replace(self.root / (name + ASIDE))
        return name + ASIDE
