"""Name what the report was made with: libraries, machine and settings."""

from __future__ import annotations

import platform
from importlib.metadata import version

from leanvlm.report.queries import Row
from leanvlm.tables import cells

LIBRARIES = (*cells.LIBRARIES, "compressed-tensors", "llmcompressor", "duckdb", "pyarrow", "dvc", "prefect")


def facts() -> list[Row]:
    """Return names and versions; those of `leanvlm.tables.cells.LIBRARIES` are in the key of every stored answer."""
    machine = [
        {"name": "leanvlm", "value": version("leanvlm")},
        {"name": "Python", "value": platform.python_version()},
        {"name": "machine", "value": f"{platform.system()}, {platform.machine()}"},
    ]
    return machine + [{"name": name, "value": version(name)} for name in LIBRARIES]
