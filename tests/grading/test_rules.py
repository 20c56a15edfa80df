"""Every grading rule answers its worked examples, and agrees with plain Python on random texts."""

from __future__ import annotations

import random
from functools import cache
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from ruamel.yaml import YAML

from leanvlm import grading, letters
from tests.grading import plain, plain_letters, plain_text

HERE = Path(__file__).parent
WORDS = "red Red circle the a An A I two none ten yes No not know nothing café cafe\u0301 Größe 日本 é dont don't"
NUMBERS = "3 3.5 35 .5 -5 −5 1,000 1000 1,2 1998 1999 12% 0.12 $12 0 105 100 1e3 +7 5.0.1 50,0000 12cm 95% 4red444"
SIGNS = ". , ! ? ' ’ - _ / ; : & “ ” 🙂 ( ) (b) (B) B. A) [C] ** # .. x y xy well-known somebody'd couldntve youre"
SPEECH = "answer Answer: option is because B C J K D. i a."
PIECES = [*WORDS.split(), *NUMBERS.split(), *SIGNS.split(), *SPEECH.split(), "  ", "\n", "\t", "the answer is"]
FEW = {
    "choice": [
        *("A", "B", "C", "(A)", "(B)", "b.", "b", "I", "a dog", "B. a dog", ".", ",", "\n", "**", ":", "-"),
        *("Answer:", "answer is", "the answer", "option", "Option A", "is", "is wrong", "is correct", "it is", "so"),
        *("because", "Explanation:", "not", "and", "or", "\\boxed{", "}", "</think>", "答案是", "Ｂ"),
        *(
            "I choose",
            "Die Antwort ist",
            "La réponse est",
            "Ответ:",
            "nicht",
            "정답은",
            "<answer>",
            "</answer>",
            "/",
            "“",
        ),
        *("red", "dog", "yes", "no", "3", "more likely", "<think>", "circle"),
    ],
    "mathvista": [*NUMBERS.split(), "[", "]", ", ", "A", "B.", "a dog", "=", "answer is", "or", "cm^2", "½", "two"],
    "mmmu_open": [
        *NUMBERS.split(),
        "red",
        "not",
        "circle",
        "=",
        "answer is",
        "or",
        "cm^2",
        "\\boxed{",
        "}",
        "two",
        "1/8",
    ],
    "relaxed": NUMBERS.split(),
    "relaxed_years": NUMBERS.split(),
    "mme": ["yes", "Yes,", "no", "No.", "not", " ", "it", "y"],
    "vqa": [
        "red",
        "two",
        "2",
        "the",
        "dont",
        "don't",
        ".",
        ",",
        "1,2",
        "-",
        "it's",
        "The answer is",
        "a.m.",
        "Yes,",
        "yes",
    ],
}

CHOOSING = ("choice", "mathvista")
OPTIONS = ["a dog", "The dog.", "dog house", "B", "E. coli", "3", "yes", "no", "red", "circle", "-", ""]

Rows = list[tuple[str, list[str]]]


@cache
def loaded(threads: int) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(config={"threads": threads})
    grading.load_macros(connection)
    return connection


def graded(
    rule: str,
    rows: list[tuple[str | None, list[str]]],
    *,
    options: list[list[str]] | None = None,
    threads: int = 1,
    copies: int = 1,
) -> list[tuple[float, bool]]:
    schema = pa.schema([("answer", pa.string()), *((name, pa.list_(pa.string())) for name in ("answers", "options"))])
    told = [
        {"answer": answer, "answers": truths, "options": known}
        for (answer, truths), known in zip(rows, options or [[]] * len(rows), strict=True)
    ]
    given = pa.Table.from_pylist(told, schema=schema)
    query = f"select grade_{rule}(answer, answers, options), is_gradable_{rule}(answer, answers, options) from given"
    with loaded(threads).cursor() as cursor:
        cursor.register("given", pa.concat_tables([given] * copies))  # a copy is a batch, a thread's portion
        return cursor.execute(query).fetchall()


def random_rows(rng: random.Random, pieces: list[str], n: int) -> Rows:
    def text() -> str:
        joint = rng.choice(["", " ", " "])
        return joint.join(rng.choices(pieces, k=rng.randint(1, 6)))

    def near(truth: str) -> str:
        place = rng.randrange(len(truth) + 1)
        return truth[:place] + rng.choice(pieces) + truth[place + rng.randint(0, 1) :]

    rows = []
    for _ in range(n):
        truths = [text() for _ in range(rng.randint(1, 3))]
        truths = rng.choices(truths, k=rng.choice([1, 2, 3, 10]))
        rows.append((rng.choice([text(), rng.choice(truths), near(rng.choice(truths))]), truths))
    return rows


def random_options(rng: random.Random, truths: list[str]) -> list[str]:
    """Draw options, at times the right text among them, at times none."""
    known = rng.choices([*truths, *OPTIONS], k=rng.choice([0, 2, 4, 5]))
    return known if rng.random() < 0.5 else list(dict.fromkeys(known))


def test_every_rule_has_examples_and_a_plain_twin() -> None:
    assert (
        set(grading.rules())
        == set(plain.RULES)
        == {path.stem for path in HERE.glob("*.yaml")} - {"phrasings", "departures"}
    )


@pytest.mark.parametrize("rule", grading.rules())
def test_rule_answers_its_examples(rule: str) -> None:
    cases = YAML(typ="safe").load(HERE / f"{rule}.yaml")
    options = [case.get("options", []) for case in cases]
    found = graded(rule, [(case["answer"], case["answers"]) for case in cases], options=options)
    for case, (grade, is_gradable) in zip(cases, found, strict=True):
        assert (grade, is_gradable) == (case["grade"], case.get("gradable", True)), case


@pytest.mark.parametrize("rule", grading.rules())
def test_rule_agrees_with_plain_python(rule: str) -> None:
    rng = random.Random(rule)
    rows = random_rows(rng, PIECES, 2000) + random_rows(rng, FEW.get(rule, PIECES), 1000)
    options = [random_options(rng, truths) if rule in CHOOSING else [] for _, truths in rows]
    found = graded(rule, list(rows), options=options)
    for (answer, truths), known, (grade, is_gradable) in zip(rows, options, found, strict=True):
        expected = plain.RULES[rule](answer, truths, known) if answer.strip() else None
        assert is_gradable == (expected is not None), (answer, truths, known)
        assert grade == pytest.approx(expected or 0, abs=2e-9), (answer, truths, known)


def test_the_letter_that_was_chosen_is_found_whatever_the_phrasing() -> None:
    phrasings = YAML(typ="safe").load(HERE / "phrasings.yaml")
    rows = [(said, [letter]) for said in phrasings for letter in "ABCDEFGHIJ"]
    found = graded("choice", list(rows))
    for (said, [letter]), (grade, is_gradable) in zip(rows, found, strict=True):
        chosen = phrasings[said]
        assert (grade, is_gradable) == (float(letter == chosen), chosen is not None), said
        assert plain_letters.letter(plain_text.spoken(said)) == chosen, said


def test_sql_reads_the_letters_that_python_says_it_reads() -> None:
    read = loaded(1).execute("select letter_at(place) from range(1, 13) as places (place)").fetchall()
    assert [letter for (letter,) in read] == [*letters.READ, None, None]


@pytest.mark.parametrize(("target", "text"), [("B. a red car", "a red car"), ("(B) E. coli", "E. coli"), ("B) 3", "3")])
def test_a_target_with_letter_and_text_is_both(target: str, text: str) -> None:
    said = [target, "B", "(b)", "The answer is B.", text, "A. a blue car", "C", "a blue car"]
    assert [grade for grade, _ in graded("choice", [(answer, [target]) for answer in said])] == [1] * 5 + [0] * 3


def test_a_text_that_looks_lettered_names_no_letter_beside_one() -> None:
    said = ["E. coli", "E", "B", "(B) E. coli"]
    assert [grade for grade, _ in graded("choice", [(answer, ["B", "E. coli"]) for answer in said])] == [1, 0, 1, 1]


@pytest.mark.parametrize("rule", grading.rules())
def test_blank_answer_is_worth_nothing_and_is_ungradable(rule: str) -> None:
    blanks: list[str | None] = ["", " \n", "\u200b", None]
    assert graded(rule, [(blank, truths) for blank in blanks for truths in (["x"], [""], ["3"])]) == [(0, False)] * 12


@pytest.mark.parametrize("rule", grading.rules())
def test_threads_change_no_bit(rule: str) -> None:
    rows = list(random_rows(random.Random(1), PIECES, 100))
    assert graded(rule, rows, copies=10) == graded(rule, rows, threads=2, copies=10)


def test_many_foreign_letters_are_counted_one_by_one() -> None:
    truth = "".join(chr(0x4E00 + index) for index in range(120))
    answer = truth[:-3] + "abc"
    assert graded("anls", [(answer, [truth])]) == [(round(1 - 3 / 120, 9), True)]


def test_a_long_answer_has_its_common_subsequence_counted() -> None:
    rng = random.Random(2)
    said, truth = (" ".join(rng.choices("abcdefgh", k=150)) for _ in range(2))
    assert graded("rouge_l", [(said, [truth])]) == [(pytest.approx(plain.rouge_l(said, truth), abs=2e-9), True)]


def test_accuracy_plus_wants_both_questions_of_a_picture() -> None:
    # four pictures: both right, one right, one right, none right: accuracy 4 / 8, accuracy+ 1 / 4
    rows = [("p", 1), ("p", 1), ("q", 1), ("q", 0), ("r", 0), ("r", 1), ("s", 0), ("s", 0)]
    with duckdb.connect() as connection:
        grading.load_macros(connection)
        connection.execute("create table grades as select * from (values ('', 0.5)) as t (group_id, grade) limit 0")
        connection.executemany("insert into grades values (?, ?)", rows)
        query = "select accuracy_plus(grade, group_id), mme_score(grade, group_id) from grades"
        assert connection.execute(query).fetchall() == [(0.25, 75.0)]
        assert connection.execute(f"{query} where false").fetchall() == [(None, None)]
