"""Questions of a person's own file: each form is read as it is meant, and a wrong row is a sentence with its number."""

from __future__ import annotations

import io
import json
import random
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from leanvlm import files, pictures
from leanvlm.benchmarks._named import named
from leanvlm.benchmarks._soundness import sound
from leanvlm.errors import InputError
from leanvlm.sample import Sample
from tests.faults import refusal as refused

RED, BLUE = (pictures.png(Image.new("RGB", (6, 4), color)) for color in ("red", "blue"))
ROW = {"question": "what color?", "answers": "red", "images": "a.png"}
OPTIONS = {"options": ["red", "blue", "green"]}
LOGGED = {"doc_id": 7, "target": "['red', 'scarlet']", "input": "what color?", "filtered_resps": ["blue"]}


def name_of(folder: Path, file: str, content: bytes | str) -> str:
    """Write a file of rows with two pictures beside and below it."""
    (folder / "below").mkdir(exist_ok=True)
    (folder / "a.png").write_bytes(RED)
    (folder / "below/b c.png").write_bytes(BLUE)
    (folder / "cut.png").write_bytes(RED[:50])
    (folder / file).write_bytes(content.encode() if isinstance(content, str) else content)
    return f"local:{folder / file}"


def jsonl(folder: Path, *rows: Any) -> str:
    return name_of(folder, "own.jsonl", "".join(f"{json.dumps(row)}\n" for row in rows))


def parquet(folder: Path, *rows: dict[str, Any]) -> str:
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(rows)), buffer, row_group_size=2)
    return name_of(folder, "own.parquet", buffer.getvalue())


def csv(folder: Path, text: str | bytes) -> str:
    return name_of(folder, "own.csv", text)


def read(name: str, n: int = 100, seed: int = 0, **options: Any) -> list[Sample]:
    """Read samples in the order of the file."""
    found = sound(name, named(name, options).samples(n, seed=seed))
    return sorted(found, key=lambda sample: sample.sample_id)


def refusal(name: str, **options: Any) -> str:
    with pytest.raises(InputError) as caught:
        read(name, **options)
    return str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "question,answers,images\nwhat color?,red|scarlet,a.png\n",
        "﻿Question;Answer;Image\r\nwhat color?;red | scarlet;a.png\r\n;;\r\n\r\n",
        "image\tanswer\tquestion\tnotes\na.png\tred|scarlet\twhat color?\t\n",
        '"question","answers","images"\n"what color?","red|scarlet","a.png"',
        ",question,answers,images\n0,what color?,red|scarlet,a.png\n",
        "question, answers, images\nwhat color?, red | scarlet, a.png\n",
    ],
)
def test_a_csv_is_read_as_programs_write_it(text: str, tmp_path: Path) -> None:
    [sample] = read(csv(tmp_path, text))
    assert (sample.question, sample.answers, sample.images) == ("what color?", ("red", "scarlet"), (RED,))
    assert (sample.sample_id, sample.rule, sample.options) == ("00001", "exact", ())


@pytest.mark.parametrize(("separator", "encoding", "end"), [(",", "utf-8", "\n"), (";", "utf-8-sig", "\r\n")])
def test_pandas_writes_what_is_read(separator: str, encoding: str, end: str, tmp_path: Path) -> None:
    questions = ['a "quoted, one"; with signs', "on two\nlines", "größer?", "plain"]
    frame = pd.DataFrame({"question": questions, "answers": ["1", "b;c", "d,e", 'f"g'], "images": "a.png"})
    frame.to_csv(tmp_path / "own.csv", sep=separator, encoding=encoding, lineterminator=end)
    found = read(csv(tmp_path, (tmp_path / "own.csv").read_bytes()))
    assert [sample.question for sample in found] == questions
    assert [sample.answers for sample in found] == [(answer,) for answer in frame["answers"]]


@pytest.mark.parametrize("write", [jsonl, parquet])
def test_a_row_may_say_everything(write: Any, tmp_path: Path) -> None:
    said = {"rule": "anls", "group": "page 1", "kind": "reading", "sample_id": "q-1", "max_new_tokens": 7}
    row = {"question": "<image> or <image>?", "answers": ["x", "y"], "images": ["a.png", "below/b c.png"], **said}
    [sample] = read(write(tmp_path, row))
    assert (sample.answers, sample.images, sample.group_id) == (("x", "y"), (RED, BLUE), "page 1")
    assert (sample.rule, sample.kind, sample.sample_id, sample.max_new_tokens) == ("anls", "reading", "q-1", 7)


@pytest.mark.parametrize("image", [RED, {"bytes": RED, "path": None}, [RED]])
def test_parquet_holds_pictures(image: object, tmp_path: Path) -> None:
    name = parquet(tmp_path, *({"question": f"{index}?", "answer": index, "image": image} for index in range(5)))
    assert [(sample.answers, sample.images) for sample in read(name)] == [((str(i),), (RED,)) for i in range(5)]
    assert named(name).files() == [tmp_path / "own.parquet"]


def test_pictures_that_parquet_holds_go_where_the_question_says(tmp_path: Path) -> None:
    row = {"question": "is <image> like <image>?", "answers": "no", "images": [RED, BLUE]}
    [sample] = read(parquet(tmp_path, row))
    assert sample.images == (RED, BLUE)
    assert "row 1 says <image> 2 times and has 1 pictures" in refusal(parquet(tmp_path, row | {"images": [RED]}))
    del row["images"]
    assert "row 1 says <image> 2 times and has 0 pictures" in refusal(parquet(tmp_path, row))


@pytest.mark.parametrize(
    ("answer", "right"),
    [("blue", ("B", "blue")), ("B", ("B", "blue")), ("b", ("B", "blue")), (" Blue ", ("B", "blue"))],
)
def test_options_are_shown_and_their_letter_is_right(answer: str, right: tuple[str, ...], tmp_path: Path) -> None:
    [sample] = read(jsonl(tmp_path, ROW | OPTIONS | {"answers": answer}))
    assert sample.question.splitlines()[:4] == ["what color?", "A. red", "B. blue", "C. green"]
    assert (sample.answers, sample.rule, sample.options) == (right, "choice", ("red", "blue", "green"))


@pytest.mark.parametrize("answer", ["B", "blue", "b) blue", "(B) Blue"])
@pytest.mark.parametrize("form", ["{}. {}", "({}) {}", "{})  {}"])
def test_options_that_carry_their_letters_are_shown_with_one(form: str, answer: str, tmp_path: Path) -> None:
    options = [form.format(letter, color) for letter, color in zip("ABC", OPTIONS["options"], strict=True)]
    [sample] = read(jsonl(tmp_path, ROW | {"options": options, "answers": answer}))
    assert sample.question.splitlines()[1:4] == ["A. red", "B. blue", "C. green"]
    assert (sample.answers, sample.options) == (("B", "blue"), ("red", "blue", "green"))


@pytest.mark.parametrize("options", [["A. red", "C. blue"], ["A. red", "blue"], ["A:B", "B:A"], ["a.m.", "b.m."]])
def test_what_only_looks_like_a_letter_stays(options: list[str], tmp_path: Path) -> None:
    [sample] = read(jsonl(tmp_path, ROW | {"options": options, "answers": "A"}))
    assert sample.options == tuple(options)


def test_an_option_that_is_a_letter_is_right_by_its_own_letter_alone(tmp_path: Path) -> None:
    [sample] = read(jsonl(tmp_path, ROW | {"options": ["X", "Y"], "answers": "Y"}))
    assert sample.answers == ("B",)


@pytest.mark.parametrize(("answer", "text"), [(3, "3"), (3.0, "3"), (2.5, "2.5"), ("3.0", "3.0")])
def test_a_number_is_compared_as_text(answer: object, text: str, tmp_path: Path) -> None:
    [sample] = read(jsonl(tmp_path, ROW | {"answers": answer}))
    assert (sample.answers, sample.rule) == ((text,), "exact")


def test_the_rule_of_the_file_yields_to_that_of_a_row(tmp_path: Path) -> None:
    rows = [ROW, ROW | {"rule": "relaxed"}, ROW | OPTIONS]
    assert [sample.rule for sample in read(jsonl(tmp_path, *rows), rule="anls")] == ["anls", "relaxed", "anls"]


def test_samples_that_show_the_same_pictures_are_one_group(tmp_path: Path) -> None:
    rows = [
        ROW,
        ROW | {"images": "./a.png"},
        ROW | {"images": "below/b c.png"},
        ROW | {"images": []},
        ROW | {"images": []},
    ]
    groups = [sample.group_id for sample in read(jsonl(tmp_path, *rows))]
    assert groups[0] == groups[1]
    assert len(set(groups)) == 4


def test_a_seed_chooses_and_fewer_are_a_prefix_of_more(tmp_path: Path) -> None:
    benchmark = named(jsonl(tmp_path, *(ROW | {"answers": str(index)} for index in range(9))))
    all_of_them = [sample.sample_id for sample in benchmark.samples(100, seed=0)]
    assert sorted(all_of_them) == [f"{index:05d}" for index in range(1, 10)]
    assert [sample.sample_id for sample in benchmark.samples(4, seed=0)] == all_of_them[:4]
    assert [sample.sample_id for sample in benchmark.samples(100, seed=1)] != all_of_them


def test_its_files_are_the_rows_and_the_pictures_that_they_name(tmp_path: Path) -> None:
    name = jsonl(tmp_path, ROW, ROW, ROW | {"images": ["below/b c.png"]})
    assert named(name).files() == [tmp_path / one for one in ("own.jsonl", "a.png", "below/b c.png")]


def test_the_log_of_lmms_eval_is_read_where_somebody_put_the_pictures_back(tmp_path: Path) -> None:
    [sample] = read(jsonl(tmp_path, LOGGED | {"image": "a.png"}))
    assert (sample.sample_id, sample.question, sample.answers) == ("7", "what color?", ("red", "scarlet"))
    assert sample.images == (RED,)
    assert "row 1 is a line of lmms-eval's log, which leaves pictures out; add `image`" in refusal(
        jsonl(tmp_path, LOGGED)
    )


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"question": ""}, "row 2: its question is empty"),
        ({"question": None}, "row 2: its question is missing"),
        ({"question": 3}, "row 2: its question is one int"),
        ({"answers": None}, "row 2 has an empty right answer (None)"),
        ({"answers": []}, "row 2 has no right answers"),
        ({"answers": ""}, "row 2 has an empty right answer ('')"),
        ({"answers": ["red", " "]}, "row 2 has an empty right answer (' ')"),
        ({"answers": "None"}, "row 2: the right answer 'None' stands for a missing one"),
        ({"answers": "['red', 'scarlet']"}, "is a list written as one text; give its texts one by one"),
        ({"answers": '["red"]'}, "is a list written as one text"),
        ({"answers": "('red', 'scarlet')"}, "is a list written as one text"),
        ({"answers": "[0.1, 0.2, 0.5, 0.5]"}, "is a list of numbers, such as a box"),
        ({"answers": [1, 2, 5, 5]}, "is a list of numbers, such as a box"),
        ({"answers": {"text": "red"}}, "is an object; give it as a list of texts"),
        ({"answers": True}, "the right answer True is no text"),
        ({"answers": [True]}, "the right answer [True] is no text"),
        ({"answers": [["red"]]}, "holds what is neither text nor number"),
        ({"answer": "red"}, "row 2 has 'answers' and 'answer', which mean the same"),
        ({"images": None}, "row 2 names no picture"),
        ({"images": "none.png"}, "row 2: there is no picture 'none.png' beside own.jsonl or below"),
        ({"images": "below\\b c.png"}, "folders are told apart by /, not"),
        ({"images": "below"}, "row 2: there is no picture 'below'"),
        ({"images": "../a.png"}, "row 2: its picture '../a.png' is outside the file's folder"),
        ({"images": "below/../../a.png"}, "is outside the file's folder"),
        ({"images": "/etc/passwd"}, "row 2: its picture '/etc/passwd' is outside the file's folder"),
        ({"images": "https://a.b/c.png"}, "is an address; save it beside own.jsonl"),
        ({"images": "data:image/png;base64,iVBOR"}, "row 2: its picture 'data:image/png;base6'... is no path"),
        ({"images": "iVBORw0KGgo" * 100}, "is no path, and perhaps a picture written as text; save it as a file"),
        ({"images": ["a.png", "cut.png"]}, "row 2: sample '00002': its picture 2 cannot be decoded"),
        ({"images": [3]}, "row 2 has one int for a picture"),
        ({"images": "own.jsonl"}, "its picture is none of PNG, JPEG"),
        ({"question": "<image> or <image>?"}, "row 2 says <image> 2 times and has 1 pictures"),
        (
            OPTIONS | {"answers": "pink"},
            "row 2 has the right answer 'pink', which is none of its 3 options, nor a letter",
        ),
        (OPTIONS | {"answers": "D"}, "nor a letter from A to C"),
        (OPTIONS | {"answers": ["red", "blue"]}, "row 2 has options and 2 right answers"),
        ({"options": ["red", " RED"]}, "row 2 has an option twice"),
        ({"options": ["red"]}, "row 2 has 1 options; 2 to 10 can be chosen from"),
        ({"options": ["B", "C"], "answers": "B"}, "one option's letter and another's text"),
        ({"rule": "exakt"}, "row 2 has the rule 'exakt' (perhaps exact); the rules are anls, "),
        ({"rule": "choice"}, "row 2: by the rule choice no answer is right where 'red' is; it wants a letter"),
        ({"rule": "mme"}, "row 2: by the rule mme no answer is right where 'red' is; it wants yes or no"),
        ({"sample_id": "00001"}, "row 2 has the sample_id '00001' of row 1"),
        ({"sample_id": "a b"}, "row 2 has the sample_id 'a b'; a name has no spaces"),
        ({"max_new_tokens": 0}, "row 2 has max_new_tokens '0'; it must be a whole number from 1 to 32,768"),
        ({"max_new_tokens": "many"}, "row 2 has max_new_tokens 'many'"),
        ({"kind": {}}, "row 2: its kind is one dict"),
    ],
)
def test_a_wrong_row_is_named(changed: dict[str, Any], said: str, tmp_path: Path) -> None:
    found = refusal(jsonl(tmp_path, ROW, ROW | changed))
    assert said in found
    assert str(tmp_path / "own.jsonl") in found


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "own.jsonl has no rows"),
        ([[1]], "own.jsonl row 1 is one list; a row is an object with question and answers"),
        ([{"question": "?", "answers": "a", "imge": "a.png"}], "has a column 'imge'; perhaps 'image' is meant"),
        ([{"question": "?", "answr": "a"}], "has a column 'answr'; perhaps 'answer' is meant"),
        ([{"question": "?", "answers": "a", "optoins": "b"}], "has a column 'optoins'; perhaps 'options' is meant"),
        ([{"question": "?", "answers": "B", "A": "x", "B": "y"}], "has columns 'A' and 'B' and none of options"),
        ([{"question": "?", "gold": "a"}], "has no column 'answers', its columns are 'question', 'gold'"),
        ([{"prompt": "?", "answers": "a"}], "has no column 'question'"),
    ],
)
def test_a_file_that_lacks_what_rows_need_is_a_sentence(rows: list[Any], said: str, tmp_path: Path) -> None:
    assert said in refusal(jsonl(tmp_path, *rows))


def test_a_column_that_is_near_one_that_is_there_is_not_read(tmp_path: Path) -> None:
    [sample] = read(jsonl(tmp_path, ROW | {"image_id": 3, "question_id": 4, "answer_type": "color", "notes": "?"}))
    assert sample.answers == ("red",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "own.csv has no rows"),
        (b"question,answers\n", "own.csv has no rows"),
        (
            b"question,answers\nwhat, if any?,red\n",
            "own.csv row 1 has 3 cells and there are 2 names on top; put a text",
        ),
        (b"question,answers\nwhat?\n", "own.csv row 1 has 1 cells and there are 2 names on top"),
        (b'question,answers\n"what" color?,red\n', "own.csv cannot be read as CSV after row 0"),
        (b'question,answers\n"what?,red\n', "own.csv cannot be read as CSV after row 0"),
        (b"question,answers,question\nwhat?,red,who?\n", "has the column 'question' twice"),
        ("question,answers\nwelche größe?,rot\n".encode("latin-1"), "own.csv is not UTF-8 at byte 27; save it as CSV"),
        ("question,answers\nwhat?,red\n".encode("utf-16"), "own.csv is not UTF-8 at byte 1"),
        (b"what color?,red\n", "own.csv has no rows"),
        (b"question|answers\nwhat?|red\n", "own.csv has no column 'question', its columns are 'question|answers'"),
        (b"question,answers\nwhat?,\n", "own.csv row 1 has an empty right answer"),
        (b"question,answers\nwhat?,red||blue\n", "own.csv row 1 has an empty right answer ('')"),
        (b"question,answers,image\nwhat?,red,\n", "own.csv row 1 names no picture"),
        (b"question,answers\nwhat?,\"['red', 'blue']\"\n", "is a list written as one text; give its texts one by one"),
    ],
)
def test_a_wrong_csv_is_a_sentence(text: bytes, said: str, tmp_path: Path) -> None:
    assert said in refusal(csv(tmp_path, text))


@pytest.mark.parametrize(
    ("file", "said"),
    [
        (".", "is a folder; name a file of rows in it: own.jsonl"),
        ("none.csv", "there is no file"),
        ("a.png", "is no file of rows by its name; those end in .jsonl, .parquet or .csv"),
    ],
)
def test_what_is_no_file_of_rows_is_a_sentence(file: str, said: str, tmp_path: Path) -> None:
    jsonl(tmp_path, ROW)
    assert said in refusal(f"local:{tmp_path / file}")


@pytest.mark.parametrize(
    "path", ["", "a\nb.csv", "$(touch ran).csv", "<b>.csv", "a|b.csv", "{}.csv", "\ud800.csv", "x" * 300]
)
def test_a_path_that_other_programs_would_read_otherwise_is_no_name(path: str) -> None:
    assert "is no name; write local: and a path of up to 200 letters" in refusal(f"local:{path}")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"rule": "exakt"}, "has the rule 'exakt' (perhaps exact)"),
        ({"path": "x"}, "has no key 'path'; the name says it"),
        ({"folder": "x"}, "has no key 'folder'; it knows: path, rule"),
    ],
)
def test_a_wrong_option_is_a_sentence(options: dict[str, str], said: str, tmp_path: Path) -> None:
    assert said in refusal(jsonl(tmp_path, ROW), **options)


@pytest.mark.parametrize("image", [None, {"bytes": None, "path": "a.png"}, b"", b"no picture"])
def test_parquet_without_a_picture_is_a_sentence(image: object, tmp_path: Path) -> None:
    rows = [{"question": "?", "answers": "a", "image": one} for one in ({"bytes": RED, "path": None}, image)]
    if isinstance(image, bytes):
        rows[0]["image"] = RED
    assert "own.parquet row 2" in refusal(parquet(tmp_path, *rows))


def test_no_two_paths_share_a_file_and_none_leaves_its_folder() -> None:
    names = [
        "local:a/b.csv",
        "local:a-b.csv",
        "local:A/b.csv",
        "local:../../b.csv",
        "local:вопросы/ö.csv",
        "local:ü.csv",
    ]
    found = [files.samples(name) for name in names]
    assert len(set(found)) == len(names)
    assert all(path.parent == files.samples("documents").parent for path in found)
    for path in found:
        assert set(path.stem) <= set("abcdefghijklmnopqrstuvwxyz0123456789_-")


def test_damaged_files_are_refused_by_name_or_read(tmp_path: Path) -> None:
    rng = random.Random(0)
    whole = b"question;answers;image\r\n" + b'"what; color?";red|blue;a.png\r\n' * 3
    for _ in range(100):
        spoilt = bytearray(whole)
        for _ in range(rng.randint(1, 3)):
            spoilt[rng.randrange(len(spoilt))] = rng.randrange(256)
        name = csv(tmp_path, bytes(spoilt))
        said = refused(lambda name=name: read(name))  # type: ignore[misc]
        assert said is None or "own.csv" in said
