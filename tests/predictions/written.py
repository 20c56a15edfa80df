"""Predictions as other harnesses write them, to be read back."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from leanvlm.commands import cli
from leanvlm.errors import InputError

Row = dict[str, Any]
NAME = "20260101_120000_samples_t.jsonl"


def sample(index: int, said: str = "red", **others: object) -> Row:
    return {"doc_id": index, "target": "red", "filtered_resps": [said], **others}


def lmms_eval(folder: Path, recipe: str, rows: Sequence[Row | bytes], *, model: str = "m", name: str = NAME) -> Path:
    """Write samples where lmms-eval does; bytes are a line as it is."""
    path = folder / recipe / model / name
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows]
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return folder


def scored(read: Callable[[], str], *arguments: object) -> list[Row]:
    """Run the command and hand back the rows that it printed."""
    cli.call(["score", *map(str, arguments), "--format", "json"])
    rows: list[Row] = json.loads(read())
    return rows


def said(read: Callable[[], str], *arguments: object) -> list[Row] | str:
    """Run the command and hand back its rows, or the sentence that it refused with."""
    try:
        return scored(read, *arguments)
    except InputError as error:
        return str(error)
