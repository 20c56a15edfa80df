"""Files of rows to calibrate on, damaged or oddly filled: refused by name, or read as rows that can be stored."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from leanvlm import calibration, pictures
from leanvlm.tables.calibration import TABLE
from tests.faults import refusal
from tests.faults.damage import damaged

TRIES = 200
N = 4
ODD: tuple[Any, ...] = ("", " ", "\0", "\ud800", None, 3, float("nan"), [], {}, [[]], "x" * 200_000, ["a.png", None])
ODD += (
    "/dev/zero",
    "https://a.b/c.png",
    "<image>",
    {"bytes": "x"},
    [{"from": "human"}],
    {"role": "user", "content": 1},
)
FIELDS = ("question", "answer", "image", "images", "conversations", "messages")


def rows(rng: random.Random) -> list[dict[str, Any]]:
    """Make right rows in two forms, of which one or two fields may be odd."""
    turns = [{"from": "human", "value": "<image> what?"}, {"from": "gpt", "value": "red"}]
    made: list[dict[str, Any]] = [{"image": "a.png", "conversations": turns} for _ in range(N)]
    made[0] = {"images": ["a.png"], "question": "what?", "answer": "red"}
    for _ in range(rng.randint(0, 2)):
        rng.choice(made)[rng.choice(FIELDS)] = rng.choice(ODD)
    return made


def write(path: Path, rng: random.Random) -> None:
    """Write the rows as either kind of file, and damage the file, the picture, or neither."""
    picture = pictures.png(Image.new("RGB", (9, 7), "red"))
    is_damaged, spoilt = rng.random() < 0.4, rng.random() < 0.2
    (path.parent / "a.png").write_bytes(damaged(picture, rng) if spoilt else picture)
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows(rng)))
    else:
        plain = {
            "question": "what?",
            "answer": rng.choice(["red", "", None]),
            "image": rng.choice([picture, b"", None]),
        }
        pq.write_table(pa.Table.from_pylist([plain] * N), path, row_group_size=2)
    if is_damaged:
        path.write_bytes(damaged(path.read_bytes(), rng))


def test_it_is_refused_or_stored_as_it_is(rng: random.Random, tmp_path: Path) -> None:
    path, found = tmp_path / rng.choice(["own.jsonl", "own.parquet"]), list[dict[str, Any]]()
    write(path, rng)
    said = refusal(lambda: found.extend(calibration.draw(N, seed=0, sources=(str(path),))))
    if said is not None:
        assert path.name in said, said
        return
    TABLE.write(found, tmp_path / "calibration.parquet")
    assert TABLE.read(tmp_path / "calibration.parquet").to_pylist() == found
