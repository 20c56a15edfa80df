"""The store: DuckDB over the grid's files and no others; build.py makes it, open.py and query.py ask it."""

from leanvlm.store.build import TABLES, Connection, add, connect, derive_cells, describe, read

__all__ = ["TABLES", "Connection", "add", "connect", "derive_cells", "describe", "read"]
