"""Command lines of odd words: answered, or refused in one sentence, before any work."""

from __future__ import annotations

import json
import os
import random
import shutil
from pathlib import Path

import pytest

from leanvlm.commands import cli
from leanvlm.errors import InputError, RunError
from tests.checkouts import ROOT
from tests.faults import refusal

WORDS = (
    *("", " ", "nan", "inf", "-1", "0", "1e99", "1" * 5000, "٣", "1_0", "0x1", "true", "null"),
    *("\ud800", "\udcff\udc80", "a\0b", "\n", "\x1b[31m", "é" * 300, "x" * 70_000, "%s%d{0}", "-", "--"),
    *("..", "/", "/dev/zero", "/dev/null", "/etc/passwd", "pipe", "loop", "folder", "text", "cut", "../" * 2000, "~"),
    *("op=nan", "op=1e400", "op=" + "9" * 400, "ttft=" + "9" * 400, "4GB", "9" * 400 + "TB", "ttft=0", "=", "a=b=c"),
    *("controls/full", "cache/snapkv@10%", "cache/snapkv@nan%", "a+" * 400, "@", ":::", "short", "documents"),
    *("select 1", "select '\udcff'", "select 'nan'::double", "select {'a': 'inf'::float}", "select", ";", "(" * 3000),
)
TAKEN = {  # options by command, and how many words stand without one
    "methods": ((), 0),
    "grade": (("--harness",), 1),
    "score": (("--full", "--metric", "--model", "--grade", "--into", "--store"), 1),
    "compare": (("--model", "--benchmark", "--store"), 2),
    "recommend": (("--keep", "--min-speedup", "--max-memory", "--by", "--model", "--device", "--store"), 0),
    "sql": (("--store", "--seconds", "--megabytes"), 1),
    "explain": ((), 2),
    "verify-paper": (("--scores",), 0),
    "run": (("--n", "--seed", "--into", "--max-new-tokens", "--dtype", "--device", "--name"), 0),
}
TRIES = 300


@pytest.fixture
def odd_folder(tmp_path: Path, stored: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with a store, params.yaml and files of odd kinds."""
    (tmp_path / "artifacts").mkdir()
    shutil.copy(stored, tmp_path / "artifacts/leanvlm.duckdb")
    shutil.copy(ROOT / "params.yaml", tmp_path / "params.yaml")
    (tmp_path / "artifacts/models").symlink_to(ROOT / "artifacts/models")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "folder").mkdir()
    (tmp_path / "text").write_text("not a store")
    (tmp_path / "cut").write_bytes(stored.read_bytes()[:5000])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return tmp_path


def line(rng: random.Random) -> list[str]:
    """Make a command line of odd words."""
    command = rng.choice(list(TAKEN))
    options, n_words = TAKEN[command]
    chosen = rng.sample(options, rng.randint(0, min(2, len(options))))
    words = [*(f"{name}={rng.choice(WORDS)}" for name in chosen), *rng.choices(WORDS, k=n_words)]
    if command == "run":
        model = rng.choice((*WORDS, str(ROOT / "artifacts/models/embedded")))
        words += [f"--model={model}", f"--recipes={rng.choice(WORDS)}", f"--benchmarks={rng.choice(WORDS)}"]
    return [command, *words, *rng.choice(([], ["--format=json"], [f"--format={rng.choice(WORDS)}"]))]


def called(words: list[str]) -> None:
    """Run a command line; that no recipe qualifies is an answer too."""
    try:
        cli.call(words)
    except RunError as error:
        assert str(error).startswith("none qualifies")  # noqa: PT017


def test_it_is_answered_or_refused(rng: random.Random, odd_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    refusal(lambda: called(line(rng)))
    assert {path.name for path in odd_folder.iterdir()} >= {"params.yaml", "pipe", "loop", "folder", "text", "cut"}


def test_json_is_json_where_values_lie_in_one_another(odd_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nested = "select {'a': 'nan'::double, 'b': ['inf'::float], 'c': map {2: '-inf'::double}} as x"
    cli.call(["sql", nested, "--format", "json"])

    def refuse(name: str) -> None:
        raise AssertionError(name)  # NaN and Infinity are words that JSON does not have

    [row] = json.loads(capsys.readouterr().out, parse_constant=refuse)
    assert row["x"] == {"a": "nan", "b": ["inf"], "c": {"2": "-inf"}}


def test_a_recipe_that_the_grid_lacks_is_named(odd_folder: Path) -> None:
    with pytest.raises(InputError, match="no recipe 'cache/snapkv@11%' in the grid"):
        cli.call(["explain", "cache/snapkv@11.0%"])
    with pytest.raises(InputError, match="no benchmark 'docs' in the grid; it has easy_vqa"):
        cli.call(["explain", "cache/snapkv@10.0%", "docs"])


@pytest.mark.parametrize("into", ["text", "folder", "text/in_a_file", "/proc/self/none", "/dev/null", "/", ".."])
def test_into_is_refused_before_any_work(into: str, odd_folder: Path) -> None:
    before = (odd_folder / "text").read_bytes()
    line = ["run", "--model", "none", "--recipes", "controls/full", "--benchmarks", "scenes", "--into", into]
    for one in (line, ["score", "folder", "--into", into]):
        with pytest.raises(InputError, match="--into"):
            cli.call(one)
    assert (odd_folder / "text").read_bytes() == before
    assert not list((odd_folder / "folder").iterdir())


def test_a_bound_that_no_number_meets_is_not_met_by_all(odd_folder: Path) -> None:
    for option, bound in (("--min-speedup", "ttft=" + "9" * 400), ("--max-memory", "9" * 400 + "TB")):
        with pytest.raises(InputError, match="be read; write"):
            cli.call(["recommend", option, bound])
