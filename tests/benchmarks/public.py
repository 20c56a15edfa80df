"""Made-up public data sets as the hub's cache holds them: the owners' columns and file names, nobody's data."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

COMMIT = "fedcba9876543210fedcba9876543210fedcba98"
IMG = pa.struct([("bytes", pa.binary()), ("path", pa.string())])  # as `datasets` writes an image
TEXTS = pa.list_(pa.string())
ROWS_A_GROUP = 2


def picture(n: int, *, mode: str = "RGB", size: tuple[int, int] = (32, 24), kind: str = "PNG") -> bytes:
    """Draw one of many pictures, no two alike, and write it to bytes."""
    image = Image.new("RGB", size, (n * 37 % 256, n * 91 % 256, n % 256)).convert(mode)
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


def img(n: int, **drawn: Any) -> dict[str, Any]:
    """Give a picture as `datasets` does; its path may be null."""
    return {"bytes": picture(n, **drawn), "path": None if n % 2 else f"{n}.png"}


def table(columns: Mapping[str, pa.DataType], rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=pa.schema(list(columns.items())))


def write(hub: Path, repository: str, files: Mapping[str, pa.Table], *, commit: str = COMMIT) -> Path:
    """Write a repository into a cache, links into `blobs` as the hub's client lays them; return its snapshot."""
    place = hub / f"datasets--{repository.replace('/', '--')}"
    snapshot = place / "snapshots" / commit
    for name, rows in files.items():
        buffer = io.BytesIO()
        pq.write_table(rows, buffer, row_group_size=ROWS_A_GROUP)
        link = add(snapshot / name, buffer.getvalue(), place / "blobs")
        assert link.is_file()
    (place / "refs").mkdir(parents=True, exist_ok=True)
    (place / "refs/main").write_text(commit)
    return snapshot


def add(path: Path, content: bytes, blobs: Path) -> Path:
    """Store a file under its hash and link to it."""
    blobs.mkdir(parents=True, exist_ok=True)
    blob = blobs / hashlib.sha256(content).hexdigest()
    blob.write_bytes(content)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(blob)
    return path


def look_in(hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the hub's client look for its cache here."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(hub))
