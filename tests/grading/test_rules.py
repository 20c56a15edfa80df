"""Every grading rule answers its worked examples, and agrees with plain Python on random texts."""

from __future__ import annotations

import random
import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from ruamel.yaml import YAML

from leanvlm import grading
from leanvlm.errors import InputError
from leanvlm.tables import answers, grades, samples

HERE = Path(__file__).parent
DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
NUMBERS = {word: str(number) for number, word in enumerate(DIGITS)} | {"none": "0"}
PIECES = [
    *(
        "red",
        "Red",
        "circle",
        "the",
        "a",
        "An",
        "two",
        "none",
        "yes",
        "No",
        "café",
        "cafe\u0301",
        "Größe",
        "日本",
        "é",
    ),
    *(
        "3",
        "3.5",
        "35",
        ".5",
        "-5",
        "−5",
        "1,000",
        "1000",
        "1,2",
        "1998",
        "1999",
        "12%",
        "$12",
        "0",
        "105",
        "100",
    ),
    *(
        ".",
        ",",
        "!",
        "?",
        "'",
        "’",
        "-",
        "  ",
        "\n",
        "🙂",
        "(b)",
        "don't",
        "x",
        "y",
        "xy",
        "well-known",
        "50,0000",
    ),
]

Rows = list[tuple[str, list[str]]]


def graded(rule: str, rows: list[tuple[str | None, list[str]]]) -> list[float]:
    with duckdb.connect() as connection:
        grading.load_macros(connection)
        schema = pa.schema([("answer", pa.string()), ("answers", pa.list_(pa.string()))])
        given = [{"answer": answer, "answers": truths} for answer, truths in rows]
        connection.register("given", pa.Table.from_pylist(given, schema=schema))
        found = connection.execute(f"select grade_{rule}(answer, answers) from given").fetchall()
    return [grade for (grade,) in found]


@pytest.mark.parametrize("rule", grading.rules())
def test_rule_answers_its_examples(rule: str) -> None:
    cases = YAML(typ="safe").load(HERE / f"{rule}.yaml")
    found = graded(rule, [(case["answer"], case["answers"]) for case in cases])
    for case, grade in zip(cases, found, strict=True):
        assert grade == case["grade"], case


def normal(text: str) -> str:
    return re.sub(r"\s+", " ", unicodedata.normalize("NFC", text).lower()).strip()


def words(text: str) -> list[str]:
    text = unicodedata.normalize("NFC", text).lower().replace("−", "-").replace("'", "").replace("’", "")
    for _ in range(2):
        text = re.sub(r"([0-9]),([0-9]{3})", r"\1\2", text)
    found, place = [], 0
    number = re.compile(r"-?[0-9]+(?:\.[0-9]+)*|-?\.[0-9]+")
    while place < len(text):
        if match := number.match(text, place):
            found.append(match.group())
            place = match.end()
        elif unicodedata.category(text[place])[0] in "LMN":
            end = place
            while end < len(text) and unicodedata.category(text[end])[0] in "LMN":
                end += 1
            found.append(text[place:end])
            place = end
        else:
            place += 1
    return [NUMBERS.get(word, word) for word in found if word not in ("a", "an", "the")]


def spelling(text: str) -> str:
    return " ".join(words(text)) or normal(text)


def exact(answer: str, truth: str) -> float:
    return float(spelling(answer) == spelling(truth))


def edits(left: str, right: str) -> int:
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, start=1):
        above, row = row, [i]
        for j, b in enumerate(right, start=1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (a != b)))
    return row[-1]


def anls(answer: str, truth: str) -> float:
    left, right = normal(answer), normal(truth)
    distance = edits(left, right) / max(len(left), len(right), 1)
    return round(1 - distance, 9) if distance < 0.5 else 0.0


def number(text: str) -> float | None:
    bare = re.sub(r"[$€£¥% ]", "", normal(text).replace("−", "-"))
    for _ in range(2):
        bare = re.sub(r"([0-9]),([0-9]{3})", r"\1\2", bare)
    return float(bare) if re.fullmatch(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)", bare) else None


def relaxed(answer: str, truth: str) -> float:
    said, true = number(answer), number(truth)
    is_year = re.fullmatch(r"(1[5-9]|20)[0-9]{2}", normal(truth)) is not None
    if said is not None and true is not None and not is_year and abs(said - true) <= abs(true) * 0.05 * (1 + 1e-8):
        return 1.0
    return exact(answer, truth)


def token_f1(answer: str, truth: str) -> float:
    said, true = Counter(words(answer)), Counter(words(truth))
    if not said and not true:
        return exact(answer, truth)
    return round(2 * (said & true).total() / (said.total() + true.total()), 9)


PLAIN: dict[str, Callable[[str, str], float]] = {
    "exact": exact,
    "anls": anls,
    "relaxed": relaxed,
    "token_f1": token_f1,
}


def random_rows(rng: random.Random, n: int) -> Rows:
    def text() -> str:
        joint = rng.choice(["", " ", " "])
        return joint.join(rng.choices(PIECES, k=rng.randint(1, 4)))

    def near(truth: str) -> str:
        place = rng.randrange(len(truth) + 1)
        return truth[:place] + rng.choice(PIECES) + truth[place + rng.randint(0, 1) :]

    rows = []
    for _ in range(n):
        truths = [text() for _ in range(rng.randint(1, 3))]
        rows.append((rng.choice([text(), rng.choice(truths), near(rng.choice(truths))]), truths))
    return rows


@pytest.mark.parametrize("rule", grading.rules())
def test_rule_agrees_with_plain_python(rule: str) -> None:
    rows = random_rows(random.Random(rule), 1500)
    found = graded(rule, list(rows))
    for (answer, truths), grade in zip(rows, found, strict=True):
        expected = max(PLAIN[rule](answer, truth) for truth in truths) if answer.strip() else 0.0
        assert grade == pytest.approx(expected, abs=2e-9), (answer, truths)


@pytest.mark.parametrize("rule", grading.rules())
def test_grade_is_never_null_nor_outside_its_range(rule: str) -> None:
    rng = random.Random(1)
    rows = [(row[0], row[1]) for row in random_rows(rng, 200)]
    assert all(0 <= grade <= 1 for grade in graded(rule, [*rows, ("", ["x"]), (None, ["x"]), ("\u200b", ["x"])]))


def test_many_foreign_letters_are_counted_one_by_one() -> None:
    truth = "".join(chr(0x4E00 + index) for index in range(120))
    answer = truth[:-3] + "abc"
    assert graded("anls", [(answer, [truth])]) == [round(1 - 3 / 120, 9)]


def _said(answer: str, rule: str) -> tuple[pa.Table, pa.Table]:
    said = {
        **dict.fromkeys(("cache_bytes", "full_cache_bytes", "new_tokens", "prompt_tokens", "visual_tokens"), 1),
        "model": "m",
        "recipe": "r",
        "benchmark": "b",
        "sample_id": "s",
        "answer": answer,
        "finish_reason": "stop",
        "visual_tokens_kept": 1.0,
        "cache_kept": 1.0,
    }
    asked = {
        "benchmark": "b",
        "sample_id": "s",
        "group_id": "s",
        "kind": "k",
        "question": "?",
        "answers": ["abc"],
    }
    asked |= {"rule": rule, "images": [], "fps": None, "difficulty": "{}"}
    return (
        pa.Table.from_pylist([said], schema=answers.TABLE.schema),
        pa.Table.from_pylist([asked], schema=samples.TABLE.schema),
    )


@pytest.mark.parametrize(
    ("answer", "grade", "outcome"),
    [("abc", 1.0, "right"), ("abd", 0.666666667, "partly"), ("xyz", 0.0, "wrong"), (" ", 0.0, "empty")],
)
def test_outcome_follows_the_grade(answer: str, grade: float, outcome: str, tmp_path: Path) -> None:
    found = grading.grade(*_said(answer, "anls"))
    grades.TABLE.write(found, tmp_path / "grades.parquet")
    assert found.select(["grade", "outcome"]).to_pylist() == [{"grade": grade, "outcome": outcome}]


def test_unknown_rule_is_refused_by_name() -> None:
    with pytest.raises(InputError, match="no grading rule 'exakt'; a rule is a file under leanvlm/grading: anls"):
        grading.grade(*_said("abc", "exakt"))
