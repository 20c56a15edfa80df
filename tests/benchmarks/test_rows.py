"""A file of rows to train on: each form is read as it is meant, and a wrong row is a sentence with its number."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from leanvlm import pictures
from leanvlm.errors import InputError
from leanvlm.rows.training import Rows
from leanvlm.sample import Sample

PICTURE = pictures.png(Image.new("RGB", (6, 4), "red"))
PAIR = {"question": "what?", "answer": "red"}
TEXT_PART, IMAGE_PART = {"type": "text", "text": "what?"}, {"type": "image"}
HUMAN, GPT = {"from": "human", "value": "<image>\nwhat?"}, {"from": "gpt", "value": "red"}
USER, ASSISTANT = {"role": "user", "content": "what?"}, {"role": "assistant", "content": "red"}
IN_PARTS = [{**USER, "content": [IMAGE_PART, TEXT_PART]}, {**ASSISTANT, "content": [{"type": "text", "text": "red"}]}]
SYSTEM = {"role": "system", "content": "be brief"}


def lines(folder: Path, *rows: Any) -> Rows:
    (folder / "a.png").write_bytes(PICTURE)
    (folder / "cut.png").write_bytes(PICTURE[:50])
    (folder / "own.jsonl").write_text("".join(f"{json.dumps(row)}\n\n" for row in rows))
    return Rows(folder / "own.jsonl")


def parquet(folder: Path, *rows: dict[str, Any]) -> Rows:
    (folder / "a.png").write_bytes(PICTURE)
    pq.write_table(pa.Table.from_pylist(list(rows)), folder / "own.parquet", row_group_size=2)
    return Rows(folder / "own.parquet")


def read(rows: Rows, n: int = 1, seed: int = 0) -> list[Sample]:
    return list(rows.training(n, rng=random.Random(seed)))


@pytest.mark.parametrize(
    ("row", "question", "n_images"),
    [
        (PAIR, "what?", 0),
        (PAIR | {"images": ["a.png"]}, "what?", 1),
        (PAIR | {"image": "a.png"}, "what?", 1),
        (PAIR | {"images": ["a.png", "a.png"]}, "what?", 2),
        ({"image": "a.png", "conversations": [HUMAN, GPT, {"from": "human", "value": "why?"}]}, "<image>\nwhat?", 1),
        ({"images": [], "messages": [SYSTEM, USER, ASSISTANT, USER, ASSISTANT]}, "what?", 0),
        ({"images": ["a.png"], "messages": IN_PARTS}, "<image>what?", 1),
    ],
)
def test_each_form_is_read_as_it_is_meant(row: dict[str, Any], question: str, n_images: int, tmp_path: Path) -> None:
    [sample] = read(lines(tmp_path, row))
    assert (sample.question, sample.answers, len(sample.images)) == (question, ("red",), n_images)
    [same] = read(parquet(tmp_path, row))
    assert same == sample


@pytest.mark.parametrize("image", [PICTURE, {"bytes": PICTURE, "path": None}, {"bytes": None, "path": "a.png"}])
def test_parquet_holds_pictures_or_their_paths(image: object, tmp_path: Path) -> None:
    [sample] = read(parquet(tmp_path, PAIR | {"image": image}))
    assert sample.images == (PICTURE,)


@pytest.mark.parametrize("write", [lines, parquet])
def test_a_seed_chooses_and_fewer_are_a_prefix_of_more(write: Any, tmp_path: Path) -> None:
    rows = write(tmp_path, *(PAIR | {"answer": str(index)} for index in range(1, 8)))
    chosen = [sample.sample_id for sample in read(rows, 7)]
    assert sorted(chosen) == [f"row-0000{index}" for index in range(1, 8)]
    assert all(f"row-0000{sample.answers[0]}" == sample.sample_id for sample in read(rows, 7))
    assert [sample.sample_id for sample in read(rows, 3)] == chosen[:3]
    assert [sample.sample_id for sample in read(rows, 7, seed=1)] != chosen


def test_the_files_of_chosen_rows_are_listed(tmp_path: Path) -> None:
    rows = lines(tmp_path, *(PAIR | {"image": f"{index}.png"} for index in range(1, 6)))
    [own, picture] = rows.read_for(1, rng=random.Random(0))
    with pytest.raises(InputError, match=f"row {picture.stem}: its picture '{picture.name}' cannot be read"):
        read(rows)
    assert own == tmp_path / "own.jsonl"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"question": "what?"}, "row 1: its answer is missing; it must be a text"),
        ({"answer": "red"}, "row 1: its question is missing"),
        ({"question": " ", "answer": "red"}, "row 1: its question is empty"),
        ({"question": "<image>", "answer": "red", "image": "a.png"}, "row 1: its question is empty"),
        ({"question": "what?", "answer": 3}, "row 1: its answer is one int"),
        (
            {"question": "what?\0", "answer": "red"},
            "row 1: its question has more than 100,000 characters, or half signs",
        ),
        ([PAIR], "row 1 is one list; a row is an object"),
        (PAIR | {"images": "a.png", "image": "a.png"}, "row 1 has image and images"),
        (PAIR | {"images": [3]}, "row 1 has one int for a picture"),
        (PAIR | {"images": ["none.png"]}, "row 1: its picture 'none.png' cannot be read (No such file"),
        (PAIR | {"images": ["../"]}, "row 1: its picture '../' is outside the file's folder; put it"),
        (PAIR | {"images": ["a.png", "cut.png"]}, "sample 'row-00001': its picture 2 cannot be decoded"),
        (PAIR | {"question": "<image> or <image>?", "images": ["a.png"]}, "row 1 says <image> 2 times and has 1 pict"),
        ({"conversations": [GPT, HUMAN]}, "row 1: its conversations have no question of human or user"),
        ({"conversations": "what?"}, "row 1: its conversations are one str; they must be a list of turns"),
        ({"messages": [USER, SYSTEM]}, "row 1: its messages have no question of human or user that gpt or assistant"),
        ({"messages": [{**USER, "content": [{"type": "image_url"}]}, ASSISTANT]}, "have a part of type 'image_url'"),
    ],
)
def test_a_wrong_row_is_named(row: Any, said: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read(lines(tmp_path, row))
    assert said in str(caught.value)
    assert str(tmp_path / "own.jsonl") in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("none.jsonl", None, "there is no file"),
        ("own.jsonl", b"", "has 0 rows and 1 are asked of it"),
        ("own.jsonl", b"{", "row 1 is not JSON"),
        ("own.jsonl", b'\xff"', "row 1 is not JSON"),
        ("own.jsonl", b"[" * 100_000, "row 1 is not JSON"),
        ("own.parquet", b"PAR1", "cannot be read ("),
    ],
)
def test_a_file_without_rows_is_a_sentence(name: str, content: bytes | None, said: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError) as caught:
        read(Rows(tmp_path / name))
    assert said in str(caught.value)
