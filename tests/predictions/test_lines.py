"""Files that somebody else wrote, or left: each is read right, or refused in one sentence, and none is waited for."""

from __future__ import annotations

import json
import os
import random
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from leanvlm.errors import InputError
from leanvlm.predictions import lines, places
from tests.predictions.written import NAME, lmms_eval, said, sample, scored

ROWS = [sample(index, acc=1) for index in range(3)]
TEXT = "".join(json.dumps(row) + "\n" for row in ROWS).encode()
WHOLE = [
    TEXT,
    b"\xef\xbb\xbf" + TEXT,
    TEXT.replace(b"\n", b"\r\n"),
    b"\n\n" + TEXT.replace(b"\n", b"\n \t\n"),
    TEXT.rstrip(b"\n"),
    TEXT.replace(b'"target"', b'"doc": ' + b"[" * 500 + b"]" * 500 + b', "target"'),
    TEXT.replace(b'"target"', b'"doc": NaN, "input": -Infinity, "target"'),
    TEXT.replace(b'"acc": 1', b'"acc": 1.' + b"0" * 5000),
]
ADDED = {
    b'{"doc_id": "\xe9"}': "cannot be read as UTF-8",
    b"\xff\xfe{\x00": "cannot be read as UTF-8",
    b"\0" * 9: "is cut off or not JSON",
    b"{'doc_id': 3}": "is cut off or not JSON",
    b'{"doc_id": 3': "is cut off or not JSON",
    b'{"a":' * 100_000: "is cut off or not JSON",
    b'{"doc_id": ' + b"9" * 5000 + b"}": "is cut off or not JSON",
    b'{"doc_id": 3, "doc_id": 4}': "the key 'doc_id' stands twice",
    b'{"doc_id": 3}': "lacks target",
    b"3": "lacks doc_id",
    b"null": "lacks doc_id",
    b'{"doc_id": null, "target": "red", "filtered_resps": "red"}': "doc_id is None; a sample is named by",
    b'{"doc_id": [3], "target": "red", "filtered_resps": "red"}': r"doc_id is \[3\]",
    b'{"doc_id": NaN, "target": "red", "filtered_resps": "red"}': "doc_id is nan",
    b'{"doc_id": "\\ud800", "target": "red", "filtered_resps": "red"}': r"doc_id is '\\ud800'",
}


@pytest.mark.parametrize("text", WHOLE)
def test_a_file_is_read_whatever_its_line_ends_and_mark(
    text: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (lmms_eval(tmp_path, "full", []) / "full" / "m" / NAME).write_bytes(text)
    [row] = scored(lambda: capsys.readouterr().out, tmp_path, "--full", "full")
    assert (row["n_samples"], row["op"], row["ol"]) == (3, 1.0, 1.0)


@pytest.mark.parametrize("line", ADDED)
def test_a_line_that_cannot_be_read_is_told_by_number(line: bytes, tmp_path: Path) -> None:
    lmms_eval(tmp_path, "full", [*ROWS, line])
    with pytest.raises(InputError, match=f"{NAME} line 4\\b.*{ADDED[line]}") as caught:
        scored(str, tmp_path, "--full", "full")
    assert "\n" not in str(caught.value)


def test_a_line_without_end_is_refused_before_it_is_held(tmp_path: Path) -> None:
    path = tmp_path / "long.jsonl"
    with path.open("wb") as file:
        file.write(b'{"doc_id": 0}\n')
        file.truncate(50 * lines.LONGEST)  # a hole, which takes no room on a disk
    found = lines.read(path)
    assert next(found) == (1, {"doc_id": 0})
    with pytest.raises(InputError, match=r"long\.jsonl line 2 is longer than 32 MiB"):
        next(found)


@pytest.mark.parametrize("seed", range(40))
def test_a_damaged_file_is_read_or_refused_in_a_sentence(
    seed: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = random.Random(seed)
    text = bytearray(TEXT)
    for _ in range(rng.randint(1, 4)):
        place = rng.randrange(len(text))
        text[place : place + rng.randint(0, 3)] = rng.choice([b"", b"\0", b"\xff", b"\n", b'"', b"[", b"9", b"null"])
    (lmms_eval(tmp_path, "full", []) / "full" / "m" / NAME).write_bytes(text)
    found = said(lambda: capsys.readouterr().out, tmp_path, "--full", "full")
    if isinstance(found, str):
        assert len(found.replace(str(tmp_path), "")) <= 300
        assert "\n" not in found
    else:
        assert [row["recipe"] for row in found] == ["controls/full"]


def pipe(path: Path) -> None:
    os.mkfifo(path)


def plug(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as plugged:
        here = Path.cwd()
        os.chdir(path.parent)  # a socket's path has a hundred letters at most
        plugged.bind(path.name)
        os.chdir(here)


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def broken(path: Path) -> None:
    path.symlink_to("nowhere")


@pytest.mark.parametrize("name", ["a_samples_u.jsonl", "u.parquet"])
@pytest.mark.parametrize("make", [pipe, plug, device, broken])
def test_what_is_no_file_is_refused_and_not_waited_for(make: Callable[[Path], None], name: str, tmp_path: Path) -> None:
    lmms_eval(tmp_path, "full", ROWS)
    make(tmp_path / "full" / "m" / name)
    with pytest.raises(InputError, match=f"{name} is a broken link, or neither file nor folder; mend it"):
        scored(str, tmp_path, "--full", "full")


def test_a_link_to_a_file_is_followed_and_a_folder_is_no_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    away = lmms_eval(tmp_path / "away", "full", ROWS) / "full" / "m" / NAME
    here = lmms_eval(tmp_path / "here", "full", []) / "full" / "m" / NAME
    here.unlink()
    here.symlink_to(away)
    (tmp_path / "here" / "set.parquet").mkdir()
    (tmp_path / "here" / "full" / "loop").symlink_to(tmp_path / "here")
    [row] = scored(lambda: capsys.readouterr().out, tmp_path / "here", "--full", "full")
    assert row["n_samples"] == 3


def test_a_name_that_no_text_can_hold_is_refused(tmp_path: Path) -> None:
    lmms_eval(tmp_path, "full", ROWS, name=os.fsdecode(b"a_samples_\xff.jsonl"))
    with pytest.raises(InputError, match=r"\\udcff.* has a sign in its name that no text can hold; rename it"):
        scored(str, tmp_path, "--full", "full")


@pytest.mark.parametrize(
    ("name", "task"),
    [
        ("20250101_000000_samples_gsm8k.jsonl", "gsm8k"),
        ("samples_gsm8k_2025-01-01T00-00-00.000000.jsonl", "gsm8k"),
        ("samples_gsm8k_2025-01-01T00:00:00.jsonl", "gsm8k"),
        ("samples_gsm8k_20250101_000000.jsonl", "gsm8k"),
        ("samples_gsm8k.jsonl", "gsm8k"),
        ("0_samples_few_samples_of_2025-01.jsonl", "few_samples_of_2025-01"),
        ("0_samples_vqa_v2_2024.jsonl", "vqa_v2_2024"),
    ],
)
def test_a_task_is_named_without_its_date(name: str, task: str) -> None:
    assert places.task(Path(name)) == task


def test_runs_of_two_days_are_one_task_and_a_name_without_one_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for recipe, day in (("full", 1), ("fast", 2)):
        lmms_eval(tmp_path, recipe, ROWS, name=f"samples_t_2025-01-0{day}T00-00-00.000000.jsonl")
    rows = scored(lambda: capsys.readouterr().out, tmp_path, "--full", "full")
    assert [(row["worst_benchmark"], row["op"]) for row in rows] == [("t", 1.0)] * 2
    lmms_eval(tmp_path, "full", ROWS, name="0_samples_.jsonl")
    with pytest.raises(InputError, match="names no task; lmms-eval writes DATE_samples_TASK"):
        scored(str, tmp_path, "--full", "full")


@pytest.mark.parametrize("name", [f"{NAME}.gz", "a.parquet.zst", "below/a.parquet.ZIP"])
def test_what_is_packed_is_refused_and_no_recipe_is_missing(name: str, tmp_path: Path) -> None:
    lmms_eval(tmp_path, "full", ROWS)
    (tmp_path / "fast/m/below").mkdir(parents=True)
    (tmp_path / "fast/m" / name).write_bytes(b"packed")
    found = said(str, tmp_path, "--full", "full")
    assert found == f"{tmp_path}/fast/m/{name} is packed; unpack it where it lies, or move it away"


def test_a_task_is_graded_by_one_number(tmp_path: Path) -> None:
    lmms_eval(tmp_path, "full", ROWS)
    with pytest.raises(InputError, match="--grade names 't' twice; leave one"):
        scored(str, tmp_path, "--full", "full", "--grade", "t=acc", "--grade", "t=exact")
