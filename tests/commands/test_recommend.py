"""recommend: a synthetic grid, in which one altered number changes the choice as it should."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from leanvlm.commands import cli
from leanvlm.errors import InputError, RunError
from tests.report.synthetic_grid import Grid, build

Rows = list[dict[str, object]]
Alter = Callable[..., Path]
ASKED = ("--keep", "op=0.9", "--min-speedup", "ttft=1.2")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of the synthetic grid."""
    return build(tmp_path_factory.mktemp("recommend") / "store.duckdb", Grid())


@pytest.fixture
def altered(whole: Path, tmp_path: Path) -> Alter:
    """What copies the store and changes it."""

    def alter(*statements: str) -> Path:
        path = tmp_path / "altered.duckdb"
        shutil.copy(whole, path)
        with duckdb.connect(str(path)) as connection:
            for statement in statements:
                connection.execute(statement)
        return path

    return alter


@pytest.fixture
def recommended(capsys: pytest.CaptureFixture[str]) -> Callable[..., Rows]:
    """What runs the command and returns its rows."""

    def run(path: Path, *arguments: str) -> Rows:
        cli.call(["recommend", *arguments, "--store", str(path), "--format", "json"])
        rows: Rows = json.loads(capsys.readouterr().out)
        return rows

    return run


def choice(rows: Rows) -> object:
    [chosen] = [row["recipe"] for row in rows if row["standing"] == "choice"]
    return chosen


def test_the_choice_is_what_plain_sql_finds(whole: Path, recommended: Callable[..., Rows]) -> None:
    with duckdb.connect(str(whole), read_only=True) as connection:
        [(wanted,)] = connection.execute(
            "select recipe from overall_performance inner join overall_efficiency using (model, recipe)"
            " where phase = 'prefill' and recipe not like 'controls/%' and recipe not like 'cache/%'"
            " and overall_performance >= 0.9 and overall_efficiency >= 1.2 order by overall_efficiency desc limit 1"
        ).fetchall()
    assert choice(recommended(whole, *ASKED)) == wanted == "tokens/visionzip@50%"


@pytest.mark.parametrize(
    "statement",
    [
        "update ranked_performance set ranked_performance = 0.89 where recipe = 'tokens/visionzip@50%'",
        "update overall_efficiency set overall_efficiency = 1.1 where recipe = 'tokens/visionzip@50%'",
        "delete from overall_efficiency where recipe = 'tokens/visionzip@50%'",
        "update overall_efficiency set overall_efficiency = 1.5 where recipe = 'tokens/fastv@50%'",
    ],
)
def test_one_altered_number_changes_the_choice(
    statement: str, altered: Alter, recommended: Callable[..., Rows]
) -> None:
    assert choice(recommended(altered(statement), *ASKED)) == "tokens/fastv@50%"


def test_a_cache_recipe_is_judged_where_a_cache_can_change_answers(
    altered: Alter, recommended: Callable[..., Rows]
) -> None:
    faster = "update overall_efficiency set overall_efficiency = 9 where recipe = 'cache/snapkv@10%'"
    sensitive = "update ranked_performance set ranked_performance = {} where recipe = 'cache/snapkv@10%'"
    assert choice(recommended(altered(faster, sensitive.format(0.91)), *ASKED)) == "cache/snapkv@10%"
    lost = "update overall_performance set overall_performance = 1 where recipe = 'cache/snapkv@10%'"
    assert choice(recommended(altered(faster, sensitive.format(0.89), lost), *ASKED)) == "tokens/visionzip@50%"


def test_a_benchmark_and_memory_can_be_demanded(whole: Path, recommended: Callable[..., Rows]) -> None:
    # of 4 MB in full, 4-bit weights leave 0.81 MB and the whole cache of 1 MB
    rows = recommended(whole, "--keep", "documents=0.9", "--max-memory", "2MB", "--by", "total")
    assert choice(rows) == "weights/gptq@w4a16-g128+tokens/visionzip@50%"
    [gptq] = [row for row in rows if row["recipe"] == "weights/gptq@w4a16-g128"]
    assert (gptq["standing"], gptq["memory_bytes"]) == ("runner-up", 1_810_000)


def test_pruned_weights_that_are_stored_dense_are_not_faster_whatever_a_clock_says(
    altered: Alter, recommended: Callable[..., Rows]
) -> None:
    fast = "update overall_efficiency set overall_efficiency = 9 where recipe = 'weights/wanda@2:4'"
    dense = "update audits set stored_bytes = 2 * weights where recipe = 'weights/wanda@2:4'"
    path = altered(fast, dense)
    assert choice(recommended(path, "--keep", "op=0.5")) == "weights/wanda@2:4"
    rows = recommended(path, "--keep", "op=0.5", "--min-speedup", "ttft=1.2")
    [reason] = [row["reason"] for row in rows if row["recipe"] == "weights/wanda@2:4"]
    assert reason == "smaller if packed, no faster here: its zeros are stored and run like any weight"
    packed = altered(fast, "update audits set stored_bytes = weights where recipe = 'weights/wanda@2:4'")
    assert choice(recommended(packed, "--keep", "op=0.5", "--min-speedup", "ttft=1.2")) == "weights/wanda@2:4"


def test_every_recipe_but_full_and_blind_is_told_once_with_a_reason_where_left_out(
    whole: Path, recommended: Callable[..., Rows]
) -> None:
    rows = recommended(whole, *ASKED)
    with duckdb.connect(str(whole), read_only=True) as connection:
        known = {recipe for (recipe,) in connection.execute("select distinct recipe from cells").fetchall()}
    assert len(rows) == len({row["recipe"] for row in rows})
    assert {row["recipe"] for row in rows} == known - {"controls/full", "controls/blind"}
    assert all(bool(row["reason"]) == (row["standing"] == "left out") for row in rows)


def test_sure_asks_more(altered: Alter, recommended: Callable[..., Rows]) -> None:
    path = altered("update ranked_performance set low = 0.89 where recipe = 'tokens/visionzip@50%'")
    assert choice(recommended(path, *ASKED)) == "tokens/visionzip@50%"
    assert choice(recommended(path, *ASKED, "--sure")) == "tokens/fastv@50%"


def test_controls_are_let_in_only_when_asked(altered: Alter, recommended: Callable[..., Rows]) -> None:
    path = altered("update overall_efficiency set overall_efficiency = 8 where recipe = 'controls/random_tokens@50%'")
    assert choice(recommended(path, *ASKED)) == "tokens/visionzip@50%"
    assert choice(recommended(path, *ASKED, "--controls")) == "controls/random_tokens@50%"


def test_the_sentence_names_the_choice_how_to_run_it_and_a_better_control(
    altered: Alter, capsys: pytest.CaptureFixture[str]
) -> None:
    path = altered("update overall_efficiency set overall_efficiency = 8 where recipe = 'controls/random_tokens@50%'")
    cli.call(["recommend", *ASKED, "--store", str(path)])
    said = capsys.readouterr().out
    assert "\nChoice: tokens/visionzip@50%, prefill 1.4" in said
    assert "Beware: the control controls/random_tokens@50% meets every demand too, with prefill 8.00x" in said
    assert 'Run it: name "tokens/visionzip@50%" under grid.recipes in params.yaml, then `make repro`.' in said


def test_where_none_qualifies_the_closest_is_named(altered: Alter, capsys: pytest.CaptureFixture[str]) -> None:
    path = altered("update overall_efficiency set overall_efficiency = 4.9 where recipe = 'tokens/fastv@10%'")
    with pytest.raises(
        RunError, match=r"^none qualifies; closest is tokens/fastv@10%, but prefill 4\.90x .* is below 5\.00x$"
    ):
        cli.call(["recommend", "--min-speedup", "ttft=5", "--store", str(path)])
    assert "left out" in capsys.readouterr().out
    assert RunError.exit_status == 1


def test_several_models_or_devices_must_be_told_apart(altered: Alter) -> None:
    path = altered("insert into overall_efficiency by name select * replace ('gpu' as device) from overall_efficiency")
    with pytest.raises(InputError, match=r"several devices; name one with --device: Synthetic CPU, 2 cores, gpu$"):
        cli.call(["recommend", "--store", str(path)])
    cli.call(["recommend", "--store", str(path), "--device", "gpu"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--keep", "pages=0.9"], "the names are op, ol, charts, documents, easy_vqa, scenes$"),
        (["--keep", "op=0.9", "--keep", "op=0.8"], "op is demanded twice; leave one"),
        (["--min-speedup", "warp=9"], "the phases are ttft"),
        (["--max-memory", "much"], "as in 4GB"),
        (["--model", "other"], "no model 'other' in the store; it has embedded"),
        (["--device", "other"], "no device 'other' in the store; it has Synthetic CPU, 2 cores"),
    ],
)
def test_a_demand_that_cannot_be_is_one_sentence(arguments: list[str], said: str, whole: Path) -> None:
    with pytest.raises(InputError, match=said):
        cli.call(["recommend", *arguments, "--store", str(whole)])
