"""The page stands alone, is well formed, tells the store's numbers and lets no answer act."""

from __future__ import annotations

import html as entities
import re
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import duckdb
import pytest

from leanvlm.errors import InputError, RunError
from leanvlm.report import queries, words
from leanvlm.report.flips import flips
from leanvlm.report.page import overview, page
from tests.report.synthetic_grid import HOSTILE, RECIPES, Grid

VOID = {"meta", "link", "img", "br", "wbr", "hr", "input"}
Stores = Callable[[Grid], duckdb.DuckDBPyConnection]


class Parsed(HTMLParser):
    """Collects what the page would fetch, its scripts and its handlers, and holds that tags are balanced."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.handlers: list[str] = []
        self.n_scripts = 0
        self.ids: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember the tag and its attributes."""
        if tag not in VOID:
            self.open.append(tag)
        self.n_scripts += tag == "script"
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "action")]
        self.handlers += [name for name, _ in attrs if name.startswith("on") or name == "style"]
        self.ids += [value or "" for name, value in attrs if name == "id"]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember a tag that closes itself."""
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        """Close the innermost tag, which must be of this name."""
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def parsed(html: str) -> Parsed:
    """The page, parsed."""
    return Parsed(html)


def test_tags_are_balanced_and_ids_unique(parsed: Parsed) -> None:
    assert parsed.open == []
    assert len(set(parsed.ids)) == len(parsed.ids)


def test_nothing_is_fetched(html: str, parsed: Parsed) -> None:
    assert [address for address in parsed.addresses if not address.startswith(("#", "data:"))] == []
    assert "@import" not in html
    assert "url(" not in html


def test_inner_links_lead_somewhere(parsed: Parsed) -> None:
    targets = {address[1:] for address in parsed.addresses if address.startswith("#")}
    assert targets <= set(parsed.ids)


def test_hostile_answers_are_shown_and_do_nothing(html: str, parsed: Parsed) -> None:
    assert HOSTILE not in html
    assert "&lt;script&gt;alert(" in html
    assert "{{ 7*7 }}" in html
    assert "\u202e" not in html
    assert parsed.n_scripts == 1
    assert parsed.handlers == []


def test_policy_allows_only_our_script_and_style(html: str) -> None:
    policy = entities.unescape(re.search(r'Content-Security-Policy" content="([^"]+)"', html)[1])  # type: ignore[index]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert policy.count("sha256-") == 2


def test_page_is_small(html: str) -> None:
    assert len(html.encode()) < 1_000_000


def test_same_store_gives_the_same_page(html: str, whole: duckdb.DuckDBPyConnection) -> None:
    assert page.render(whole, n_flips=10) == html


def test_flips_of_two_models_that_answer_alike_are_in_one_order(store_of: Stores) -> None:
    """Every row has a place of its own in the order, so that no tie is left to chance."""
    connection = store_of(Grid(models=("one", "other")))
    sql = (queries.FOLDER / "flips/flips.sql").read_text(encoding="utf-8")
    drawn = sql[: sql.index("cell_turns as (")].rstrip().rstrip(",")
    connection.execute("set variable seed = 0")
    [(n, n_distinct)] = connection.execute(f"{drawn} select count(*), count(distinct draw) from drawn").fetchall()
    assert n == n_distinct > 0


def test_leaderboard_tells_the_numbers_of_the_store(html: str, whole: duckdb.DuckDBPyConnection) -> None:
    columns = "recipe, overall_performance, low, high, mean_accuracy_kept, worst_accuracy_kept, worst_benchmark"
    for row in whole.execute(f"select {columns} from overall_performance where scope = 'all'").fetchall():
        recipe, *numbers, worst_benchmark = row
        line = _line(html, recipe)
        for value in numbers:
            assert f"{100 * value:.1f}" in line, (recipe, value)
        assert worst_benchmark in line


def test_leaderboard_tells_speedups_loyalty_and_memory(html: str, whole: duckdb.DuckDBPyConnection) -> None:
    speed = whole.execute("select recipe, overall_efficiency from overall_efficiency where phase <> 'vision'")
    for recipe, value in speed.fetchall():
        assert f"{value:.2f}×" in _line(html, recipe)
    kept = whole.execute(
        "select recipe, overall_loyalty, memory_kept from overall_loyalty inner join memory_kept"
        " using (model, recipe) where scope = 'all'"
    )
    for recipe, loyalty, memory in kept.fetchall():
        assert f">{100 * loyalty:.1f}<" in _line(html, recipe)
        assert f">{100 * memory:.1f}<" in _line(html, recipe)


def test_heat_table_tells_every_ratio(html: str, whole: duckdb.DuckDBPyConnection) -> None:
    body = html.split('<table class="heat">')[1].split("</table>")[0]
    found = re.findall(r"<td class=\"n [^\"]*\">([\d.]+)†?\s", body)
    told = whole.execute("select accuracy_kept from accuracy_kept").fetchall()
    assert sorted(found) == sorted(f"{100 * value:.1f}" for (value,) in told)


def test_insensitive_cells_of_cache_recipes_are_marked(html: str) -> None:
    body = html.split('<table class="heat">')[1].split("</table>")[0]
    assert body.count("†") == sum(recipe.acts_on == "cache" for recipe in RECIPES.values())
    assert "that is without easy_vqa" in html


def test_controls_are_marked_and_come_last(html: str) -> None:
    rows = re.findall(r'<tr class="(control)?[^"]*">\s*<th scope="row" data-sort="([^"]+)"', html)
    assert {recipe for mark, recipe in rows if mark} == {name for name in RECIPES if name.startswith("controls/")}
    assert [bool(mark) for mark, _ in rows] == sorted(bool(mark) for mark, _ in rows)


def test_every_verdict_names_its_controls(html: str, whole: duckdb.DuckDBPyConnection) -> None:
    for recipe, control, verdict in whole.execute("select recipe, control, verdict from beats_control").fetchall():
        line = _line(html, recipe)
        assert words.short(control) in line
        assert {"better": "beats", "tie": "no better than", "worse": "worse than"}[verdict] in line


def test_flip_shows_all_its_pictures(html: str) -> None:
    articles = html.split('<article class="flip')[1:]
    assert len(articles) == 10
    for article in articles:
        assert article.count('src="data:image/') == (2 if 'data-benchmark="documents"' in article else 1)


def test_skips_are_listed_with_their_reasons(html: str) -> None:
    assert "needs &lt;b&gt;attention&lt;/b&gt; that the model hides" in html


def test_report_says_when_nothing_was_timed(store_of: Stores) -> None:
    text = page.render(store_of(Grid(has_timings=False)), n_flips=2)
    Parsed(text)
    assert "No timings were recorded" in text
    assert "there is no speed-up to plot" in text
    assert "not timed." in text
    assert "×</td>" not in text


def test_report_says_when_a_control_is_missing(store_of: Stores) -> None:
    text = page.render(store_of(Grid(left_out=("controls/random_cache@10%",))), n_flips=0)
    assert "No control of equal budget was run for cache/snapkv@10%, cache/streaming@10%" in text
    assert "missing: no control at this setting" in _line(text, "cache/snapkv@10%")


def test_report_says_when_nothing_flipped(store_of: Stores) -> None:
    assert "No answer flipped" in page.render(store_of(Grid(has_flips=False)), n_flips=10)


def test_report_does_without_intervals_and_blind(store_of: Stores) -> None:
    text = page.render(store_of(Grid(left_out=("controls/blind",), has_intervals=False)), n_flips=1)
    Parsed(text)
    assert "no interval" in text
    assert "None" not in text.split("<main ")[1].split("<script>")[0].replace('data-sort="None"', "")


def test_every_query_on_the_page_runs_as_it_stands(html: str, whole: duckdb.DuckDBPyConnection) -> None:
    shown = re.findall(r'<details class="behind">.*?</details>', html, re.DOTALL)
    queries = [entities.unescape(text) for one in shown for text in re.findall(r"<code>(.*?)</code>", one, re.DOTALL)]
    assert len(shown) == 17
    assert all(whole.execute(query).fetchall() for query in queries)


def test_environment_names_versions_and_settings(whole: duckdb.DuckDBPyConnection) -> None:
    text = page.render(whole, n_flips=0, settings="answer: {dtype: float32}  # <b>")
    assert f"<dt>duckdb</dt><dd>{duckdb.__version__}</dd>" in text
    assert f"<dt>Python</dt><dd>{sys.version.split()[0]}</dd>" in text
    assert "answer: {dtype: float32}  # &lt;b&gt;" in text
    assert str(Path.cwd()) not in text


def test_each_model_has_sections_of_its_own(store_of: Stores) -> None:
    text = page.render(store_of(Grid(models=("embedded", "second"))), n_flips=20)
    parsed = Parsed(text)
    assert len(set(parsed.ids)) == len(parsed.ids)
    assert {"best", "best-1", "leaderboard", "leaderboard-1", "pareto-1", "benchmarks-1"} <= set(parsed.ids)
    assert text.count("Leaderboard: second") == 1
    assert text.count("<h3>tokens, second") == 1
    assert re.search(r"question \d+, second</small>", text)


def test_the_first_section_of_the_embedded_model_says_what_it_is_evidence_for(store_of: Stores) -> None:
    connection = store_of(Grid(models=("embedded", "second")))
    text = page.render(connection, n_flips=0, embedded=("second", "unused"))
    first, second = (text.split(f'<section id="best{suffix}"')[1].split("</section>")[0] for suffix in ("", "-1"))
    assert "evidence" not in first
    assert second.count("second is this project's small embedded model") == 1
    assert text.count("small embedded model") == 1
    assert "small embedded model" not in page.render(connection, n_flips=0)


def test_impossible_number_of_flips_is_refused(whole: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(InputError, match=r"report\.flips is 201; it is a number from 0 to 200"):
        page.render(whole, n_flips=201)


def test_store_without_metrics_is_a_sentence() -> None:
    with duckdb.connect() as connection, pytest.raises(RunError, match="run `dvc repro tally` first"):
        page.render(connection, n_flips=1)


def _line(text: str, recipe: str) -> str:
    found = re.search(
        rf'<tr class="[^"]*">\s*<th scope="row" data-sort="{re.escape(recipe)}">.*?</tr>', text, re.DOTALL
    )
    assert found, recipe
    return found[0]


@pytest.mark.parametrize(("loyalty", "said"), [(None, ", not timed."), (0.987, "repeats 98.7% of its answers")])
def test_the_noise_floor_is_said_where_it_was_measured(loyalty: float | None, said: str) -> None:
    counts = {"n_recipes": 2, "n_controls": 2, "n_samples": 5, "models": ["m"], "benchmarks": ["b"], "devices": []}
    sentence = overview._ran({**counts, "rebatched_loyalty": loyalty})
    assert said in sentence
    assert ("noise floor" in sentence) == (loyalty is not None)


def test_kept_tokens_lie_as_dots_on_their_own_picture(whole: duckdb.DuckDBPyConnection) -> None:
    drawn = flips.browser(whole, n_flips=60, seed=0)["drawn"]
    seen = [flip for flip in drawn if flip["kept_centers"]]
    assert seen, "no token method flipped an answer"
    assert any(flip["kept_centers"] is None for flip in drawn)
    for flip in seen:
        first, *others = flip["images"]
        assert first["dots"] == f"M{0.25 * first['width']:.0f} {0.5 * first['height']:.0f}h0"
        assert [image["dots"] for image in others] == [f"M{image['width']} 0h0" for image in others]
    assert f'<path d="{seen[0]["images"][0]["dots"]}"/>' in page.render(whole, n_flips=60)
