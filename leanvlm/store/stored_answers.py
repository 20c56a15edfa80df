"""The answers of stored cells, of this grid and of any other, asked with SQL where they lie: in a folder or a bucket.

DuckDB scans them through pyarrow, so it needs no extension; a query that names a `cell_key` reads that cell alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import dataset

from leanvlm.errors import InputError
from leanvlm.storage._storage import Storage
from leanvlm.tables import answers

VIEW = "stored_answers"
CELL = re.compile(r"[^/]+/[^/]+/[^/]+-([0-9a-f]{16})\.parquet")
KEY = pa.field("cell_key", pa.string())


@dataclass(frozen=True)
class StoredAnswers:
    """Whole cells of a storage: their names, and their keys."""

    storage: Storage
    cells: tuple[tuple[str, str], ...]

    def connect(self, *, config: dict[str, str]) -> duckdb.DuckDBPyConnection:
        """Open a database with one view."""
        connection = duckdb.connect(config=dict(config))
        connection.execute("set enable_progress_bar = false")
        connection.register(VIEW, self._scanned())
        return connection

    def _scanned(self) -> dataset.Dataset:
        """Describe the files; pages are held to their checksums, as wherever cells are read."""
        system, before = self.storage.arrow()
        options = dataset.ParquetFragmentScanOptions(page_checksum_verification=True)
        return dataset.FileSystemDataset.from_paths(
            [before + name for name, _ in self.cells],
            schema=answers.TABLE.schema.append(KEY),
            format=dataset.ParquetFileFormat(default_fragment_scan_options=options),
            filesystem=system,
            partitions=[pc.field(KEY.name) == key for _, key in self.cells],
        )


def stored_answers(storage: Storage) -> StoredAnswers:
    """List the whole cells of a storage.

    Raises: InputError where there are none.
    """
    found = sorted((cell[0], cell[1]) for entry in storage.entries() if (cell := CELL.fullmatch(entry.name)))
    if not found:
        raise InputError(f"no cells are stored in {storage.where('')}; run `make repro` to answer some")
    return StoredAnswers(storage, tuple(found))
