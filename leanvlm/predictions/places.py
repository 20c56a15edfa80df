"""Which files below a folder are read, and what the names of lmms-eval's say: recipe, model and task."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from leanvlm.errors import InputError

# when a run began, behind the task: samples_TASK_2026-01-31T12-00-00.000000
DATE = re.compile(r"_(?:\d{4}-\d\d-\d\dT[\d.:-]+|\d{8}_\d{6})$")

PACKED = (".gz", ".bz2", ".xz", ".zst", ".zip")


def found(folder: Path, pattern: str) -> list[Path]:
    """List the files below a folder that match; a link to a file is one, a folder is none.

    Raises: InputError for a pipe, a device, a socket or a broken link, on which reading would wait or fail.
    """
    return list(_regular(sorted(folder.rglob(pattern))))


def refuse_packed(folder: Path) -> None:
    """Refuse predictions that are packed: passed over, a recipe would be missing and nobody would know.

    Raises: InputError.
    """
    for kind in ("*.parquet", "*samples_*.jsonl"):
        for path in sorted(folder.rglob(f"{kind}.*")):
            if path.suffix.lower() in PACKED:
                raise InputError(f"{path} is packed; unpack it where it lies, or move it away")


def named(folder: Path, path: Path, model: str | None) -> dict[str, str]:
    """Say whose samples lie in FOLDER/RECIPE/MODEL/DATE_samples_TASK.jsonl.

    Raises: InputError where a folder, or the task, is not said.
    """
    recipe, *between = path.relative_to(folder).parts[:-1] or (None,)
    if recipe is None:
        raise InputError(f"{path} lies in no folder of its recipe; put each recipe's files into one: {folder}/RECIPE/")
    if model is None and not between:
        raise InputError(f"{path} lies in no folder of its model, as lmms-eval writes it; name the model with --model")
    if not task(path):
        raise InputError(f"{path} names no task; lmms-eval writes DATE_samples_TASK.jsonl")
    return {"model": model or between[-1], "recipe": recipe, "benchmark": task(path)}


def task(path: Path) -> str:
    """Say which task a file's name is of: DATE_samples_TASK, or samples_TASK_DATE."""
    return DATE.sub("", path.stem.partition("samples_")[2])


def _regular(paths: list[Path]) -> Iterator[Path]:
    for path in paths:
        if any(unicodedata.category(sign) in ("Cc", "Cs") for sign in str(path)):
            raise InputError(f"{str(path)!a} has a sign in its name that no text can hold; rename it")
        if path.is_file():
            yield path
        elif not path.is_dir():
            raise InputError(f"{path} is a broken link, or neither file nor folder; mend it, or move it away")
