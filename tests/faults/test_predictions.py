"""lmms-eval's lines reordered or respelt: the same numbers; cut, doubled, lost or impossible: refused by file."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from leanvlm.errors import InputError
from tests.predictions.written import NAME, Row, lmms_eval, sample, scored

TRIES = 250
N = 12
Change = Callable[[list[Row], random.Random], list[Any]]


def at_one(change: Callable[[Row, random.Random], Any]) -> Change:
    """Change one row."""

    def changed(rows: list[Row], rng: random.Random) -> list[Any]:
        at = rng.randrange(len(rows))
        return [change(row, rng) if index == at else row for index, row in enumerate(rows)]

    return changed


def put(key: str, *values: object) -> Change:
    """Give one row one of these values."""
    return at_one(lambda row, rng: row | {key: rng.choice(values)})


def without(row: Row, lost: str) -> Row:
    return {name: value for name, value in row.items() if name != lost}


def line(row: Row) -> bytes:
    return json.dumps(row).encode()


HARMLESS: tuple[Change, ...] = (
    lambda rows, rng: rng.sample(rows, len(rows)),
    lambda rows, _: [b"\xef\xbb\xbf" + line(rows[0]), *rows[1:]],
    lambda rows, _: [line(row) + b"\r" for row in rows],
    lambda rows, rng: [*rows[:3], rng.choice([b"", b"  ", b"\t\r"]), *rows[3:]],
    lambda rows, rng: [dict(rng.sample(list(row.items()), len(row))) for row in rows],
    lambda rows, rng: [row | {"input": rng.choice(["\u202e", [1, {"a": []}], None]), "resps": [[]]} for row in rows],
    lambda rows, _: [row | {"doc_id": str(row["doc_id"])} for row in rows],
    lambda rows, _: [row | {"filtered_resps": [row["filtered_resps"]]} for row in rows],
    lambda rows, _: [row | {"acc": float(row["acc"])} for row in rows],
    lambda rows, _: [row | {"doc_hash": f"h{row['doc_id']}"} for row in rows],
    lambda rows, _: [line(row).replace(b'"red"', b'"\\u0072ed"') for row in rows],
    put("doc", float("nan"), {"a": 1}, "x" * 9999),
)
HARMFUL: tuple[Change, ...] = (
    lambda rows, rng: rng.sample(rows, len(rows) - 1),
    lambda rows, rng: [*rows, rng.choice(rows)],
    lambda rows, rng: [*rows[:-1], line(rows[-1])[: rng.randrange(1, len(line(rows[-1])) - 1)]],
    lambda rows, rng: [
        *rows,
        rng.choice([b"\0", b"\xff\xfe", b"{", b"3", b"{}", b'{"doc_id": 1, "doc_id": 2}']),
    ],
    at_one(lambda row, rng: without(row, rng.choice(["doc_id", "filtered_resps", "target", "acc"]))),
    at_one(lambda row, _: row | {"doc_id": row["doc_id"] + 99}),
    put("doc_id", None, [], {}, 1.5, True, float("nan"), "", "\ud800"),
    put("acc", None, float("nan"), float("inf"), -1, 2, 1.0001, "x", [1], 10**400),
    put("filtered_resps", None, [], ["a", "b"], {"a": 1}, 3, ["\ud800"]),
    at_one(lambda row, _: row | {"doc_hash": "other"}),
)


def written(folder: Path, change: Change | None, rng: random.Random) -> Path:
    for recipe, n_right in (("full", N), ("fast", N // 2)):
        said = [("red", 1) if index < n_right else ("blue", 0) for index in range(N)]
        rows = [sample(index, answer, acc=acc, doc_hash=f"h{index}") for index, (answer, acc) in enumerate(said)]
        lmms_eval(folder, recipe, change(rows, rng) if change and recipe == "fast" else rows)
    return folder


def test_it_is_as_before_or_refused(rng: random.Random, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("--full", "full", "--grade", "t=acc")
    change, is_harmless = rng.choice([*((one, True) for one in HARMLESS), *((one, False) for one in HARMFUL)])
    folder = written(tmp_path, change, rng)
    if is_harmless:
        rows = scored(lambda: capsys.readouterr().out, folder, *arguments)
        assert [(row["recipe"], row["op"], row["ol"]) for row in rows] == [("controls/full", 1, 1), ("fast", 0.5, 0.5)]
        return
    with pytest.raises(InputError) as caught:
        scored(lambda: capsys.readouterr().out, folder, *arguments)
    said = str(caught.value).replace(str(tmp_path), "")
    assert said.isprintable()
    assert any(word in said for word in (NAME, "fast", "acc")), said
