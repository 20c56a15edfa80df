"""`leanvlm benchmarks NAME` prints one benchmark's card: its data, its prompt, and what two harnesses do with it."""

from __future__ import annotations

import json

import pytest

from leanvlm import plugins
from leanvlm.commands import cli
from leanvlm.errors import InputError


def card(name: str, capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    cli.call(["benchmarks", name, "--format", "json"])
    return {row["item"]: row["says"] for row in json.loads(capsys.readouterr().out)}


@pytest.mark.parametrize("name", plugins.ids("benchmarks"))
def test_every_benchmark_has_a_card(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    cli.call(["benchmarks", name])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(name)
    assert all(len(line) <= 120 for line in lines)
    found = card(name, capsys)
    assert found["source"] == plugins.source("benchmarks", name)
    assert {"grading", "options"} <= set(found)


def test_a_public_card_says_how_to_fetch_what_is_asked_and_how_the_harnesses_differ(
    capsys: pytest.CaptureFixture[str],
) -> None:
    mmmu = card("mmmu", capsys)
    assert mmmu["fetch"] == (
        'hf download lmms-lab-encoder/MMMU --repo-type dataset --include "data/validation*.parquet"'
    )
    assert mmmu["prompt"].endswith("\n\nAnswer with the option's letter from the given choices directly.")
    assert mmmu["open prompt"] == "{question}\n\nAnswer the question using a single word or phrase."
    assert "16 new tokens at most" in mmmu["paper"]
    assert "548,800 pixels" in mmmu["paper"]
    assert "602,112 pixels" in mmmu["today"]
    assert mmmu["difference"].startswith("new tokens, 16 and 128")
    assert card("docvqa", capsys)["difference"] == "none beside the pixels: the same prompt, limits and rule"
    assert card("docvqa", capsys)["no answers"] == "test: not public"
    assert "what ends an answer" in card("mmvet", capsys)["difference"]
    assert card("mme", capsys)["their sum"] == "pairs"


def test_a_card_of_nothing_is_one_sentence() -> None:
    with pytest.raises(InputError, match=r"no benchmark 'docvq' \(perhaps docvqa\)"):
        cli.call(["benchmarks", "docvq"])
