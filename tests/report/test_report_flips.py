"""The flip browser draws every kind from everywhere, by a seed, and tells how many there are."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator

import duckdb
import pytest
from PIL import Image

from leanvlm.report.flips import flips
from leanvlm.report.queries import Row

TABLES = """
create table samples (
    benchmark text, sample_id text, group_id text, turn int, kind text, question text, answers text []
);
create table sample_images (benchmark text, sample_id text, position int, image blob);
create table cells (model text, recipe text, benchmark text, family text);
create table answers (
    model text, recipe text, benchmark text, sample_id text, answer text, new_tokens int,
    kept_centers struct(image smallint, x smallint, y smallint) []
);
create table grades (model text, recipe text, benchmark text, sample_id text, grade double, outcome text);
"""
SAMPLES = 12
SAID = {  # by recipe and benchmark: from which sample on the answer is right, and what is said before
    ("controls/full", "docs"): (2, "no"),
    ("controls/random_tokens@10%", "docs"): (SAMPLES, "never drawn"),
    ("tokens/a@10%", "docs"): (11, "else"),  # samples 2 to 10 are lost, 0 and 1 changed
    ("cache/b@10%", "docs"): (1, "no"),  # sample 1 is won; 0 stays as it was, which is no flip
    ("controls/full", "easy"): (0, ""),
    ("tokens/a@10%", "easy"): (1, "else"),  # sample 0 is lost
    ("cache/b@10%", "easy"): (0, ""),
}
ALL = {("tokens", "docs", "lost"): 9, ("tokens", "docs", "changed"): 2, ("tokens", "easy", "lost"): 1,
       ("cache", "docs", "won"): 1}  # fmt: skip


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """A store whose flips can be counted by hand; every other sample is the second turn of the one before."""
    buffer = io.BytesIO()
    Image.new("RGB", (20, 10), "white").save(buffer, format="PNG")
    with duckdb.connect() as opened:
        opened.execute(TABLES)
        for benchmark in ("docs", "easy"):
            samples = f"from range({SAMPLES}) r(i)"
            opened.execute(
                "insert into samples"
                f" select '{benchmark}', i::text, (i // 2)::text, 1 + i % 2, 'value', 'what?', ['yes'] {samples}"
            )
            opened.execute(
                f"insert into sample_images select '{benchmark}', i::text, 0, ? {samples} where i % 2 = 0",
                [buffer.getvalue()],
            )
        for (recipe, benchmark), (first_right, wrong) in SAID.items():
            cell = ["m", recipe, benchmark]
            opened.execute("insert into cells values (?, ?, ?, ?)", [*cell, recipe.split("/")[0]])
            for index in range(SAMPLES):
                is_right = index >= first_right
                key, outcome = [*cell, str(index)], "right" if is_right else "wrong"
                opened.execute(
                    "insert into answers values (?, ?, ?, ?, ?, 3, null)", [*key, "yes" if is_right else wrong]
                )
                opened.execute("insert into grades values (?, ?, ?, ?, ?, ?)", [*key, float(is_right), outcome])
        yield opened


def test_every_flip_is_found_and_named(connection: duckdb.DuckDBPyConnection) -> None:
    found = flips.browser(connection, n_flips=200, seed=0)
    assert found["n_all"] == sum(ALL.values())
    assert _strata(found) == ALL
    assert found["filters"] == {
        "recipe": ["cache/b@10%", "tokens/a@10%"],
        "benchmark": ["docs", "easy"],
        "flip": ["changed", "lost", "won"],
    }


def test_a_later_turn_shows_the_picture_of_its_first(connection: duckdb.DuckDBPyConnection) -> None:
    found = flips.browser(connection, n_flips=200, seed=0)["drawn"]
    assert {int(flip["sample_id"]) % 2 for flip in found} == {0, 1}
    assert {len(flip["images"]) for flip in found} == {1}


def test_few_flips_are_one_of_each_stratum(connection: duckdb.DuckDBPyConnection) -> None:
    found = flips.browser(connection, n_flips=4, seed=0)
    assert _strata(found) == dict.fromkeys(ALL, 1)
    assert found["n_all"] == sum(ALL.values())


def test_draw_follows_from_the_seed(connection: duckdb.DuckDBPyConnection) -> None:
    drawn = [_names(flips.browser(connection, n_flips=6, seed=seed)) for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_flip_tells_both_answers_and_their_lengths(connection: duckdb.DuckDBPyConnection) -> None:
    found = flips.browser(connection, n_flips=200, seed=0)["drawn"]
    won = next(flip for flip in found if flip["flip"] == "won")
    told = {name: won[name] for name in ("full_answer", "answer", "expected", "full_new_tokens", "new_tokens")}
    assert told == {"full_answer": "no", "answer": "yes", "expected": "yes", "full_new_tokens": 3, "new_tokens": 3}


def _strata(found: Row) -> dict[tuple[str, str, str], int]:
    return dict(Counter((flip["family"], flip["benchmark"], flip["flip"]) for flip in found["drawn"]))


def _names(found: Row) -> list[tuple[str, str, str]]:
    return [(flip["recipe"], flip["benchmark"], flip["sample_id"]) for flip in found["drawn"]]
