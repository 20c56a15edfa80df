"""What a storage of whole files does: a folder of this machine does it, and so does a bucket that machines share."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem

    from leanvlm.storage.bucket import Bucket

ASIDE = ".set-aside"  # what is added to the name of a file whose seal is broken


@dataclass(frozen=True)
class Entry:
    """One stored file."""

    name: str
    modified_ns: int  # since 1970
    n_bytes: int


class Storage(Protocol):
    """Files by name, parts of a name with / between them; no reader ever sees half a file.

    Frozen and picklable: it travels to the workers. Whatever goes wrong between this machine and a bucket is raised as
    InputError or RunError, see `faults`.
    """

    @property
    def inputs(self) -> Bucket | None:
        """Where workers find samples and checkpoints; None where they share this machine's disk."""

    def where(self, name: str) -> str:
        """Spell a name for people."""

    def entries(self, under: str = "") -> list[Entry]:
        """List the files whose names begin with a folder, such as "model/recipe/", in no order."""

    def write(self, name: str, make: Callable[[Path], None]) -> bool:
        """Let `make` write a file, whole or not at all, and store it; return whether nothing had the name before."""

    def reading(self, name: str) -> AbstractContextManager[Path]:
        """Give a local file with the content, for the length of a `with`."""

    def delete(self, name: str) -> None:
        """Delete a file, or all that lies below a folder; what is not there is no error."""

    def set_aside(self, name: str) -> str:
        """Give a file the name that it has with `ASIDE`; return that."""

    def arrow(self) -> tuple[FileSystem, str]:
        """Open it for pyarrow: a file system, and what stands before each name there."""
